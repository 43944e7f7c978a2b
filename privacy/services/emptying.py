"""Evidence without the child: what a report said is emptied when the report is closed.

What could go wrong: the proof that a child's data was deleted keeps the child's name, in the words of the reporter, in
a colleague's note, in a file or in a letter. So all of it goes: at once what nobody needs any more; a letter's text as
soon as it was sent; what came in as soon as it was read, or after a while that the promise board counts; and which
account it was, once those who received the data have been told. What stays are codes, dates, counts and hashes.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from crasme.kit.claims import WorkState
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.models import Attachment, ChildReport, Message, Note, Request
from privacy.services import people
from privacy.states import State

AT_ONCE = 500
# A letter that bounces for ever must not keep its text for ever.
GIVEN_UP_AFTER = timedelta(days=30)
_WRITTEN = Q(written__isnull=False) | Q(subject__isnull=False) | Q(body__isnull=False)


def report_closed(request: Request, *, now: datetime) -> None:
    """In the transaction that closes the request; other kinds are left alone."""
    if request.kind != Request.Kind.CHILD:
        return
    Request.objects.filter(pk=request.pk).update(about=None, details=None, full_name=None)
    request.about = request.details = request.full_name = None
    if request.without_proof and request.person.email:
        people.forget_soon(request.person, now=now)
    notes = Note.objects.filter(request=request, body__isnull=False).update(body=None)
    _empty_files(now, Message.objects.filter(_read(now), request=request))
    letters = _over(now).filter(_read(now), request=request).update(written=None, subject=None, body=None)
    _empty_accounts(now, request=request)
    record(verbs.EMPTIED.name, actor=system("privacy"), subject=request.ref, notes=notes, letters=letters)


def empty_rest(now: datetime) -> int:
    """What letters that were still to be sent needed, and what came later; the number of letters emptied."""
    closed: dict[str, Any] = {"request__kind": Request.Kind.CHILD, "request__state": State.CLOSED}
    _empty_accounts(now, **closed)
    Note.objects.filter(body__isnull=False, at__lt=now - GIVEN_UP_AFTER, **closed).update(body=None)
    _record_unread(Message.objects.unread_words().filter(created_at__lt=now - GIVEN_UP_AFTER, **closed))
    _empty_files(now, Message.objects.filter(_read(now), **closed))
    over = _over(now).filter(_read(now), **closed)
    return Message.objects.filter(pk__in=over.values("pk")[:AT_ONCE]).update(written=None, subject=None, body=None)


def _record_unread(messages: QuerySet[Message]) -> None:
    """What goes without having been read does not go silently."""
    for message in messages.select_related("request")[:AT_ONCE]:
        record(verbs.EMPTIED.name, actor=system("privacy"), subject=message.request.ref, unread=message.pk)


def _empty_files(now: datetime, messages: QuerySet[Message]) -> None:
    """What was attached to these messages; of what was refused nothing is here but its name."""
    theirs = Attachment.objects.filter(message__in=messages)
    theirs.filter(content__isnull=False).update(content=None, their_name=None, destroyed_at=now)
    theirs.filter(their_name__isnull=False).update(their_name=None)


def _read(now: datetime) -> Q:
    """What nobody has read yet waits for somebody, but not for ever."""
    return ~Q(direction=Message.Direction.IN, read_at=None) | Q(created_at__lt=now - GIVEN_UP_AFTER)


def _empty_accounts(now: datetime, **of: Any) -> None:
    """Which account it was, of the reports that no letter needs it for any more."""
    waiting = Message.objects.filter(request=OuterRef("request")).exclude(_done(now))
    told = ChildReport.objects.filter(~Exists(waiting), address__isnull=False, **of)
    ChildReport.objects.filter(pk__in=told.values("pk")[:AT_ONCE]).update(account=None, address=None)


def _over(now: datetime) -> QuerySet[Message]:
    found: QuerySet[Message] = Message.objects.filter(_done(now) & _WRITTEN)
    return found


def _done(now: datetime) -> Q:
    over = Q(state__in=(WorkState.DONE, WorkState.CANCELLED))
    return over | Q(state=WorkState.PARKED, created_at__lt=now - GIVEN_UP_AFTER)
