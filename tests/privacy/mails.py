"""Sending what is queued, as the mail worker would, and reading what arrived."""

from datetime import datetime
from email.message import EmailMessage

from django.core import mail

from privacy.correspondence.send import send
from privacy.models import LinkAsk, Message
from privacy.services import links


def deliver(now: datetime) -> list[EmailMessage]:
    """Send every mail that is due, in order; the messages as the recipient's client sees them."""
    before = len(getattr(mail, "outbox", []))
    for asked in LinkAsk.objects.filter(asked_at__lte=now):
        links.answer(asked.pk, now=now)
    for pk in Message.objects.outgoing().claimable(now).order_by("created_at", "id").values_list("pk", flat=True):
        send(pk, now=now)
    return [message.message() for message in mail.outbox[before:]]
