"""What a colleague decides about a mail.

What could go wrong: two people decide at once (the row is locked, and the second is told), a mail of somebody else gets
into a person's correspondence by a click (refused here too: only who was written to may write), a mail is put aside by
mistake (it can be looked at again until its row ends).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit.claims import WorkState, redrive
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import references, verbs
from privacy.errors import Incomplete, MoveNotAllowed
from privacy.mailroom import filing, forgetting, matching, requesting
from privacy.models import InboundMail, Message, Request
from privacy.models.messages import SenderCheck
from privacy.services.desk import require
from privacy.wake import SORT, wake

Status, Reading = InboundMail.Status, InboundMail.Reading


@transaction.atomic
def make_requests(mail: InboundMail, *, kinds: Sequence[str], language: str, by: User, now: datetime) -> list[Request]:
    """One request a kind, linked, received when the mail was; the sender gets the mail that proves the mailbox."""
    require(by, "work_request")
    wanted = [kind for kind in Request.Kind.values if kind in kinds]
    if not wanted:
        raise Incomplete(_("Choose at least one thing that the person asks for."))
    mail = _locked(mail)
    if not mail.sender:
        raise Incomplete(_("This mail has no sender that could be answered."))
    made = requesting.make(mail, wanted, language=language, by=by, now=now)
    _settle(mail, Status.FILED, Reading.REQUEST, by=by, now=now, request=made[0], person=made[0].person)
    record(verbs.MAIL_SETTLED.name, actor=by.ref, subject=mail.ref, as_what="request", requests=len(made))
    return made


@transaction.atomic
def file_to(mail: InboundMail, *, reference: str, by: User, now: datetime) -> Message:
    """Into the correspondence of a request that the sender is a party to."""
    require(by, "work_request")
    mail = _locked(mail)
    request = (
        Request.objects.select_for_update(of=("self",))
        .select_related("person")
        .filter(reference=references.normalise(reference))
        .first()
    )
    if request is None:
        raise Incomplete(_("There is no request with this reference."))
    if mail.sender_check == SenderCheck.FAILED:
        raise MoveNotAllowed(
            _("Our mail server says that it does not come from the sender whom it names."),
            remedy=_("Write to the person, and ask whether the words are theirs."),
        )
    writer = matching.writer_of(request, mail.sender or "")
    if writer is None:
        raise MoveNotAllowed(
            _("The mail comes from an address that nobody wrote to about this request."),
            remedy=_("Write to the person, or note in your own words what matters of it."),
        )
    message = filing.enter(
        request, subject=mail.subject or "", body=mail.body or "", channel="email", writer=writer, mail=mail, now=now
    )
    _settle(mail, Status.FILED, Reading.REPLY, by=by, now=now, request=request)
    record(verbs.MAIL_SETTLED.name, actor=by.ref, subject=mail.ref, as_what="reply", requests=1)
    return message


@transaction.atomic
def no_request(mail: InboundMail, *, by: User, now: datetime) -> None:
    """It is about something else. It stays to be found until its period is over, unless whoever it names is forgotten:
    then it is emptied, and cannot be looked at again.
    """
    require(by, "work_request")
    mail = _locked(mail)
    _settle(mail, Status.IGNORED, Reading.NO_REQUEST, by=by, now=now)
    forgetting.set_aside(mail, now=now)
    record(verbs.MAIL_SETTLED.name, actor=by.ref, subject=mail.ref, as_what="no-request", requests=0)


@transaction.atomic
def look_again(mail: InboundMail, *, by: User, now: datetime) -> None:
    """Back to those that wait, whatever it was put aside as; its clock never stopped."""
    require(by, "work_request")
    mail = InboundMail.objects.select_for_update().get(pk=mail.pk)
    if mail.status != Status.IGNORED:
        raise MoveNotAllowed(_("Only what was set aside can be looked at again."))
    if mail.is_emptied:
        raise MoveNotAllowed(_("Nothing of this mail is kept."), remedy="")
    _put(mail, status=Status.TRIAGE, why=InboundMail.Why.ASKED, settled_at=None, settled_by=None)
    record(verbs.MAIL_REOPENED.name, actor=by.ref, subject=mail.ref)


@transaction.atomic
def sort_again(mail: InboundMail, *, by: User, now: datetime) -> None:
    """The cause of the failure was dealt with: let a worker try once more."""
    require(by, "redrive_step")
    mail = InboundMail.objects.select_for_update().get(pk=mail.pk)
    redrive(mail, now=now)
    _put(mail, status=Status.RECEIVED)
    record(verbs.MAIL_REDRIVEN.name, actor=by.ref, subject=mail.ref, message=mail.pk)
    wake(*SORT, mail.pk)


def _locked(mail: InboundMail) -> InboundMail:
    found: InboundMail = InboundMail.objects.select_for_update().get(pk=mail.pk)
    if not found.is_waiting:
        raise MoveNotAllowed(
            _("Somebody has decided about this mail already."), remedy=_("Reload the page to see what became of it.")
        )
    return found


def _settle(mail: InboundMail, status: str, reading: str, *, by: User, now: datetime, **columns: Any) -> None:
    gone = {"sender": None, "subject": None, "body": None} if status == Status.FILED else {}
    done = {"state": WorkState.DONE, "finished_at": mail.finished_at or now}
    _put(
        mail, status=status, reading=reading, settled_at=now, settled_by=by, raw=None, **done, **gone, **columns
    )  # fmt: skip


def _put(mail: InboundMail, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(mail, name, value)
    mail.save(update_fields=list(columns))
