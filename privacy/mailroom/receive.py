"""A mail is stored, before anything is made of it.

What could go wrong: the mail server delivers it twice, or two readers of the mailbox take it at once (the digest is
unique, so it is one row); the process ends in between (the mail stays where it was and comes again); it is too large
to hold (its beginning is stored, the rest stays in the mailbox, and a person sees that it was cut off).
"""

import hashlib
import re
from datetime import datetime

from django.db import transaction

from crasme.kit.ids import uuid7
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.models import InboundMail
from privacy.wake import SORT, wake

LARGEST = 25 * 1024 * 1024
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[!-;=?-~]{1,248}>)", re.IGNORECASE | re.MULTILINE)


@transaction.atomic
def receive(
    raw: bytes, *, source: str, now: datetime, arrived_at: datetime | None = None, size: int | None = None
) -> InboundMail | None:
    """Store one mail; None when it is here already. A worker sorts it after the commit.

    `arrived_at` is when it reached the mailbox (UTC), for the clock runs from then; `size` that of the whole mail when
    only its beginning was handed over.
    """
    whole, kept = max(size or 0, len(raw)), raw[:LARGEST]
    mail = InboundMail(
        id=uuid7(),
        digest=digest_of(kept),
        source=source,
        size=whole,
        cut=whole > len(kept),
        raw=kept,
        received_at=min(arrived_at or now, now),
        stored_at=now,
        next_attempt_at=now,
    )
    InboundMail.objects.bulk_create([mail], ignore_conflicts=True)
    if not InboundMail.objects.filter(pk=mail.pk).exists():
        return None
    record(verbs.MAIL_STORED.name, actor=system("mail"), subject=mail.ref, source=source, size=whole, cut=mail.cut)
    wake(*SORT, mail.pk)
    return mail


def digest_of(raw: bytes) -> str:
    """SHA-256, in hex, over the Message-ID and the body: servers on the way add headers, and change nothing else.

    A mail without a Message-ID is told apart by the whole of it, headers included.
    """
    end = _END_OF_HEADERS.search(raw)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    identifier = _MESSAGE_ID.search(head)
    parts = (identifier.group(1), body) if identifier else (b"", raw)
    # Line ends differ between a pipe and IMAP, and so do blank lines at the end.
    return hashlib.sha256(b"\0".join(part.replace(b"\r\n", b"\n").rstrip() for part in parts)).hexdigest()
