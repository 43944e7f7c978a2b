"""Identity documents: not asked for, and destroyed with the decision when somebody sent one all the same.

What could go wrong: a passport lies in a correspondence for three years. So a colleague marks it, and every way in
which a request is decided or ends comes through here; what stays is that there was a file, and when it went.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit.statements import Fetch
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.errors import MoveNotAllowed, NotYours
from privacy.models import Attachment, Request

_THERE = Fetch(lambda: Attachment.objects.identity_documents().only("pk"), "message__request")


@transaction.atomic
def mark(file: Attachment, *, identity: bool, by: User, now: datetime) -> None:
    """Say that a file is an identity document, or that it is none. On a decided request it is destroyed at once."""
    if not by.has_perm("privacy.work_request"):
        raise NotYours(_("Your role does not include this."))
    file = Attachment.objects.select_for_update(of=("self",)).select_related("message__request", "mail").get(pk=file.pk)
    if file.content is None:
        raise MoveNotAllowed(_("The content of this file is not here."), remedy="")
    file.identity = identity
    file.save(update_fields=["identity"])
    owner: Any = file.message.request if file.message is not None else file.mail
    record(verbs.IDENTITY_MARKED.name, actor=by.ref, subject=owner.ref, file=file.pk, identity=identity)
    if file.message is not None and file.message.request.outcome:
        destroy_of(file.message.request, actor=by.ref, now=now)


def destroy_of(request: Request, *, actor: str, now: datetime) -> int:
    """Destroy what is there; the number of files. In the transaction of the decision."""
    if not _THERE(request.pk):  # as nearly always; asking costs less than changing nothing
        return 0
    theirs = Attachment.objects.of_request(request).identity_documents()
    gone: int = theirs.update(content=None, their_name=None, destroyed_at=now)
    if gone:
        record(verbs.IDENTITY_DESTROYED.name, actor=actor, subject=request.ref, files=gone)
    return gone
