"""An answer that the person types on the request's own page, where they have shown that they read the mailbox.

What could go wrong: it floods the desk (limited by request), it holds a card number (refused at its field, since here
somebody is there to read why), a file is none that is taken (said at once, and nothing is stored).
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crasme.kit import cards
from crasme.kit.text import clean
from privacy import throttle
from privacy.errors import Incomplete
from privacy.mailroom import files, filing
from privacy.mailroom.files import File
from privacy.models import Attachment, Message, Request

WORDS: dict[str, Promise] = {
    Attachment.Refused.TYPE: _("We take PDF files, pictures and plain text. Please send it as one of these."),
    Attachment.Refused.SIZE: _("This file is too large: 10 MB at most."),
    Attachment.Refused.CARD: _(
        "This file holds what looks like a payment card number. We store none: please take it out."
    ),
}


def reply(request: Request, *, text: str, file: File | None, now: datetime) -> Message:
    """File it at once; ValidationError names the field that is wrong. TooOften, and MoveNotAllowed when forgotten."""
    body = clean(text).strip()
    if not body and file is None:
        raise Incomplete(_("Write something, or choose a file."))
    cards.refuse(text=body)
    attached = files.rows([file], now=now) if file is not None else []
    if attached and attached[0].refused:
        raise ValidationError({"file": [str(WORDS[attached[0].refused])]})
    throttle.REPLY_REFERENCE.hit(request.reference, now=now)
    with transaction.atomic():
        locked = Request.objects.select_for_update(of=("self",)).select_related("person").get(pk=request.pk)
        return filing.enter(locked, body=body, channel="page", files=attached, now=now)
