"""Putting a mail into the queue."""

from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings

from crasme.kit.ids import uuid7
from crasme.kit.statements import insert
from privacy.correspondence.catalogue import entry_of
from privacy.models import Message, Request
from privacy.wake import SEND, wake

# Nobody knows which language they would choose.
OUR_LANGUAGE = frozenset({Message.Addressee.COLLEAGUE, Message.Addressee.RECIPIENT})


def enqueue(
    request: Request,
    template: str,
    *,
    period_key: str,
    now: datetime,
    written: str = "",
    written_by: Any = None,
    addressee: str = Message.Addressee.PERSON,
    language: str = "",
    **to: Any,
) -> Message | None:
    """A mail, sent by a worker after the commit; None when this occasion has its mail already, or when the person has
    no address: forgotten, or never given.

    `period_key` names the occasion: one mail a (request, template, occasion), however often the caller runs. It goes
    to the person, or to the `addressee` whose row is in `to` (recipient=…, colleague=…, referral=…), in the request's
    language or that of the addressee, if it is one of ours. NoSuchLetter for a template that is not in the catalogue.
    """
    entry_of(template)
    if addressee == Message.Addressee.PERSON and not request.person.email:
        return None
    identifier = uuid7()
    message = Message(
        id=identifier,
        request=request,
        template=template,
        period_key=period_key,
        addressee=addressee,
        language=language if language in dict(settings.LANGUAGES) else _language_of(addressee, request),
        written=written or None,
        written_by=written_by,
        mail_id=f"<{identifier}@{mail_domain()}>",
        created_at=now,
        next_attempt_at=now,
        **to,
    )
    if not insert(message, unless_there=True):
        return None
    wake(*SEND, identifier)
    return message


def _language_of(addressee: str, request: Request) -> str:
    return settings.LANGUAGE_CODE if addressee in OUR_LANGUAGE else request.language


def mail_domain() -> str:
    """The right-hand side of our Message-IDs."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
