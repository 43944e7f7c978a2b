"""Sending one mail: claim its row, render, hand it to the SMTP server, and note that it went.

What could go wrong: the mail server is away for a day (retried, then parked, and a person sees it; the request never
changes for it), the worker dies after the server took the mail (the second copy has the same Message-ID, and mailboxes
show one), a row that nothing can be made of or that kills its workers is tried for ever (it parks like any other, and
a person sees it), a link or an address stays behind in the row (links are made here and stored as digests; the record
of what was sent has placeholders instead; the address is read now and written nowhere).
"""

import hashlib
import logging
import smtplib
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from crasme.kit.claims import LeaseLost, WorkState, cancel, claim, finish, retry_or_park
from crasme.kit.errors import CrasmeError
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import rows, verbs
from privacy.correspondence import threads
from privacy.correspondence.addressees import address_of
from privacy.correspondence.catalogue import entry_of
from privacy.correspondence.render import Rendered, render
from privacy.errors import LetterBroken
from privacy.models import Message
from privacy.services import clock

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=330)
MAX_ATTEMPTS = 14  # with pauses of up to an hour: half a day of a mail server that is away
ACTOR = system("mail")


def send(message_id: UUID, *, now: datetime, connection: Any = None) -> bool:
    """Send the mail if it is due and nobody else has it. Whether it went.

    `connection` is one to the mail server, opened here when it is not open; without one the mail has its own.
    """
    message = claim(Message, message_id, now=now, lease=LEASE)
    if message is None:
        return False
    message.request = rows.seen(message.request_id)
    if not (address := address_of(message)):
        cancel(message, now=now)  # forgotten in the meantime: there is nobody left to write to
        return False
    if clock.is_void(message, now=now):
        _given_up(message, now=now)
        return False
    if message.attempts > MAX_ATTEMPTS:
        # The worker died each time, or the lease would not have come round so often.
        _failed(message, "lease-lapsed", now=now)
        return False
    started = monotonic()
    try:
        rendered = render(message, now=now)
        _hand_over(message, rendered, address, connection)
    except Exception as error:  # noqa: BLE001  (whatever it is, the mail must not be lost; the code names the kind)
        _failed(message, _code(error), error, now=now + timedelta(seconds=monotonic() - started))
        return False
    _sent(message, rendered, now=now + timedelta(seconds=monotonic() - started))
    return True


def _hand_over(message: Message, rendered: Rendered, address: str, connection: Any) -> None:
    # No List-… header: nobody subscribed to an answer, and nobody could unsubscribe from it.
    headers = {
        "Message-ID": message.mail_id,
        # What a colleague wrote was written by somebody. Holiday replies are asked off either way, bounces are not.
        "Auto-Submitted": "no" if message.written_by_id else "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Content-Language": message.language,
    }
    if not entry_of(message.template).unnamed:
        headers |= {**threads.headers(message), "X-Request-Reference": message.request.reference}
    mail = EmailMultiAlternatives(subject=rendered.subject, body=rendered.text, to=[address], headers=headers)
    mail.attach_alternative(rendered.html, "text/html")
    if connection is not None:
        connection.open()  # one that is open already stays so when the mail has gone
        mail.connection = connection
    mail.send()


def _sent(message: Message, rendered: Rendered, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            clock.went_out(message, now=now)
            finish(message, now=now, subject=rendered.subject, body=rendered.record)
            record(
                verbs.MAIL_SENT.name,
                actor=ACTOR,
                subject=message.request.ref,
                message=message.pk,
                template=message.template,
                language=message.language,
                digest=hashlib.sha256(rendered.record.encode()).hexdigest(),
                letter=rendered.letter or None,
            )
    except LeaseLost:
        log.warning("Message %s went out after its lease was over.", message.pk)


def _failed(message: Message, code: str, error: Exception | None = None, *, now: datetime) -> None:
    log.warning("Message %s could not be sent: %s, attempt %d.", message.pk, code, message.attempts)
    refused = _refused_for_good(error)
    # A mailbox that does not exist will not exist in an hour either, and a text waits for somebody who mends it.
    hopeless = refused or isinstance(error, LetterBroken)
    try:
        with transaction.atomic():
            retry_or_park(message, code, now=now, max_attempts=0 if hopeless else MAX_ATTEMPTS)
            if refused:
                Message.objects.filter(pk=message.pk).update(bounced_at=now)
            if message.state == WorkState.PARKED:
                record(verbs.MAIL_FAILED.name, actor=ACTOR, subject=message.request.ref, message=message.pk, code=code)
    except LeaseLost:
        log.warning("Message %s had lost its lease before it failed.", message.pk)


def _given_up(message: Message, *, now: datetime) -> None:
    """The mail server was away for so long that the letter would not be true any more."""
    with transaction.atomic():
        if cancel(message, now=now):
            record(verbs.MAIL_VOID.name, actor=ACTOR, subject=message.request.ref, message=message.pk)


def _refused_for_good(error: Exception | None) -> bool:
    """Whether the server said, about the one recipient, that trying again is of no use (RFC 5321: 5xx)."""
    return isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        status >= 500 for status, _text in error.recipients.values()
    )


def _code(error: Exception) -> str:
    """A slug of what went wrong: the server's number, or the kind of error. Its text may quote the address."""
    if isinstance(error, CrasmeError):
        return error.code
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp-{error.smtp_code}"
    kind = "smtp" if isinstance(error, smtplib.SMTPException | OSError) else "error"
    return f"{kind}-{type(error).__name__.lower()}"[:64]
