"""Putting what came in into a request's correspondence, by whatever way it came.

What could go wrong: it is filed twice (the message takes the mail's own id), it changes the request's state (it never
does: a person reads it), a card number or the secret of a link comes in with it (both are taken out before), or it is
filed for somebody who has been forgotten, and brings back what was erased (refused), or it speaks of a reported child
and outlives the report (while one that was asked together with it is open, it hangs on that one and ends with it).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from crasme.kit.crypto import subject_ref
from crasme.kit.ids import uuid7
from crasme.kit.text import clean
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person, system
from privacy import verbs
from privacy.correspondence.queue import mail_domain
from privacy.errors import MoveNotAllowed
from privacy.mailroom.matching import Writer
from privacy.mailroom.quotes import without_secrets
from privacy.models import Attachment, Message, Request
from privacy.services import clock
from privacy.states import State


def enter(
    request: Request,
    *,
    body: str,
    channel: str,
    now: datetime,
    subject: str = "",
    writer: Writer | None = None,
    mail: Any = None,
    files: Iterable[Attachment] = (),
) -> Message:
    """One message in, with its files; the request's row is locked by the caller. `channel` is a slug for the ledger.

    MoveNotAllowed when the person has been forgotten. `files` are unsaved; those of the `mail` come along.
    """
    if not request.person.email:
        raise MoveNotAllowed(
            _("The person of this request has been forgotten, as they wished."),
            remedy=_("What they write now can only be a new request."),
        )
    identifier: UUID = mail.pk if mail is not None else uuid7()
    message: Message = Message.objects.create(
        id=identifier,
        request=_bearer(request) if writer is None or writer == Writer() else request,
        direction=Message.Direction.IN,
        language=request.language,
        subject=subject or None,
        body=without_secrets(clean(body)).strip() or None,
        mail_id=f"<{identifier}@in.{mail_domain()}>",
        origin_id=mail.mail_id if mail is not None else "",
        sender_check=mail.sender_check if mail is not None else "",
        created_at=mail.received_at if mail is not None else now,
        state=WorkState.DONE,
        next_attempt_at=now,
        finished_at=now,
        **(writer or Writer()).columns,
    )
    for file in files:
        file.message = message
        file.save(force_insert=True)
    if mail is not None:
        mail.attachments.update(mail=None, message=message)
    reply_arrived(request, message, now, channel=channel)
    return message


def _bearer(request: Request) -> Request:
    """On which request the person's words hang: an open report of a child, where one was asked together with it."""
    reports = (request, *request.together().filter(kind=Request.Kind.CHILD).exclude(state=State.CLOSED))
    return next((each for each in reports if each.kind == Request.Kind.CHILD), request)


def reply_arrived(request: Request, message: Message, now: datetime, *, channel: str) -> None:
    """Something came in about a request: a clock that stood still for an answer of the person goes on, from the day on
    which it arrived. The request itself stays where it is.

    Called once a message, in its transaction, with the request locked; also for closed requests and for mail from
    others than the person (`message.addressee`).
    """
    theirs = message.addressee == Message.Addressee.PERSON
    record(
        verbs.REPLY_ARRIVED.name,
        actor=by_person(subject_ref("person", request.person_id)) if theirs else system("mail"),
        subject=request.ref,
        message=message.pk,
        addressee=message.addressee,
        channel=channel,
        files=message.attachments.count(),
    )
    if theirs:
        for asked in (request, *request.together()):
            clock.reply_arrived(asked, now, on=controller_day(message.created_at))
