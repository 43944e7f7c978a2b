"""Sending what is queued, as the mail worker would, and reading what arrived."""

from datetime import datetime
from email.message import EmailMessage

from django.core import mail

from crasme.staff.models import User
from privacy.correspondence.send import send
from privacy.models import LinkAsk, Message, Request
from privacy.services import links, writing
from tests.builders import NOW


def deliver(now: datetime) -> list[EmailMessage]:
    """Send every mail that is due, in order; the messages as the recipient's client sees them."""
    before = len(getattr(mail, "outbox", []))
    for asked in LinkAsk.objects.filter(asked_at__lte=now):
        links.answer(asked.pk, now=now)
    for pk in Message.objects.outgoing().claimable(now).order_by("created_at", "id").values_list("pk", flat=True):
        send(pk, now=now)
    return [message.message() for message in mail.outbox[before:]]


def read_all(request: Request, *, by: User) -> int:
    """A colleague has read whatever came in."""
    unread = Message.objects.of_conversation(request).unread()
    return writing.mark_read(request, list(unread.values_list("pk", flat=True)), by=by, now=NOW)
