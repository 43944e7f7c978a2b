"""What agents write to people while a request goes on, and that they have read what came in.

What could go wrong: words of ours go to a stranger (the mailbox has to be proven), or a letter that nobody has seen
counts as read because somebody wrote back (only what was on their screen does).
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit import cards
from crasme.kit.ids import uuid7
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.correspondence.queue import enqueue
from privacy.errors import Incomplete, MoveNotAllowed
from privacy.models import Message, Request
from privacy.services.desk import locked, require, words_allowed
from privacy.states import State
from privacy.steps.definitions import proposed


def require_proven(request: Request) -> None:
    """MoveNotAllowed while nobody has shown that they read the mailbox: no words of ours go to strangers."""
    if request.confirmed_at is None or request.without_proof:
        raise MoveNotAllowed(
            _("Nobody has shown yet that the mailbox is theirs."), remedy=_("Until then only the link goes there.")
        )


@transaction.atomic
def write(request: Request, *, words: str, by: User, now: datetime, read: Collection[UUID] = ()) -> Message:
    """Write to the person, in one's own words; `read` are the messages that it answers. It moves and stops nothing."""
    require(by, "work_request")
    words = clean(words).strip()
    if not words:
        raise Incomplete(_("The message is empty."))
    cards.refuse(words=words)
    request = locked(request)
    require_proven(request)
    words = words_allowed(request, words)
    if not request.person.email:
        raise MoveNotAllowed(_("The person has been forgotten, as they wished."), remedy="")
    message = enqueue(request, "message", period_key=f"message-{uuid7().hex}", now=now, written=words, written_by=by)
    assert message is not None  # noqa: S101  (the occasion is new)
    record(verbs.MESSAGE_WRITTEN.name, actor=by.ref, subject=request.ref, message=message.pk)
    mark_read(request, read, by=by, now=now)
    return message


@transaction.atomic
def mark_read(request: Request, read: Collection[UUID], *, by: User, now: datetime) -> int:
    """Say that these messages have been read; how many had not been. Those of another conversation are left alone."""
    require(by, "work_request")
    count: int = Message.objects.of_conversation(request).unread().filter(pk__in=read).update(read_at=now)
    if count:
        record(verbs.REPLIES_READ.name, actor=by.ref, subject=request.ref, messages=count)
    return count


@transaction.atomic
def ask_for_values(request: Request, *, by: User, now: datetime) -> None:
    """Ask the person to say, value by value, what shall be corrected; one mail a day."""
    require(by, "work_request")
    request = locked(request)
    if request.state != State.REVIEW or not proposed(request.kind):
        raise MoveNotAllowed(_("There is nothing to ask for now."))
    if enqueue(request, "proposals-wanted", period_key=f"day-{now:%Y-%m-%d}", now=now, written_by=by) is None:
        raise MoveNotAllowed(_("The person was asked today already."), remedy="")
