"""The paper that a representative sends: checked, kept encrypted, and destroyed with the decision.

What could go wrong: a program that calls itself a picture, a paper of two hundred pages, or a passport that lies around
for three years. So a file is what its first bytes say, small, and gone when nobody has to look at it any more.
"""

import hashlib
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from crasme.kit.statements import Fetch
from crasme.ledger.services import record
from privacy import verbs
from privacy.errors import Incomplete
from privacy.mailroom import files
from privacy.models import MandateDocument, Representative, Request

Media = MandateDocument.Media
LARGEST: Final = 2 * 1024 * 1024
_THERE = Fetch(lambda: MandateDocument.objects.filter(destroyed_at=None).only("pk"), "representative__request")


def media_of(content: bytes) -> MandateDocument.Media:
    """What it is, by its first bytes. Incomplete for anything that is not taken."""
    if len(content) > LARGEST:
        raise Incomplete(_("This file is larger than 2 MB. Please send a smaller one."))
    found = files.recognised(content)
    if found is not None and found.media_type in Media.values:
        return Media(found.media_type)
    raise Incomplete(_("This is neither a PDF nor a PNG or JPEG picture. Please send one of these."))


def store(representative: Representative, content: bytes, *, now: datetime) -> MandateDocument:
    """Incomplete as for `media_of`."""
    return MandateDocument.objects.create(
        representative=representative,
        media=media_of(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        stored_at=now,
    )


def destroy_of(request: Request, *, actor: str, now: datetime) -> int:
    """Destroy the paper of the message, once all that it asked for is decided; how many. In the caller's transaction.

    Others of the same message may still wait for somebody to look at it.
    """
    if not _THERE(request.lead_id or request.pk):
        return 0
    lead = request.leading
    undecided = [other for other in (request, *request.together()) if not other.outcome]
    if undecided:
        return 0
    theirs = MandateDocument.objects.filter(representative__request=lead, destroyed_at=None)
    gone = theirs.update(content=None, destroyed_at=now)
    if gone:
        record(verbs.MANDATE_DESTROYED.name, actor=actor, subject=lead.ref, files=gone)
    return gone
