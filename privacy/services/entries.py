"""A machine enters what a person asked of it.

What could go wrong: a call that is repeated because its answer was lost asks twice (a caller's key for the call is
stored with the request, by digest, and unique: whoever comes second gets the first one's requests), a key for a call
that is used for another call hides it (what was asked is compared), a caller that says who somebody is and is believed
(it only ever enters; the person confirms from the mailbox as with the form).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import canonical
from crasme.kit.crypto import keyed_hash
from crasme.staff.models import ApiKey
from privacy.errors import PrivacyError
from privacy.models import ApiEntry, Request
from privacy.services import intake


class CallReused(PrivacyError):
    """The key of a call was used before for something else."""

    code = "idempotency-key-reused"
    remedy = _("Make a new key for every new request.")


def call_of(key: ApiKey, name: str, body: object, *, external_id: str | None) -> intake.Call:
    """What tells this call from others: `name` is the caller's key for it, `body` what it asks (JSON values)."""
    digests = (
        keyed_hash("privacy.api.call", f"{key.pk}:{name}"),
        keyed_hash("privacy.api.body", canonical(body)),
    )
    return intake.Call(key, external_id, digests)


def before(call: intake.Call) -> list[Request] | None:
    """The requests that the same call made before; None when it is new. CallReused when it asked something else."""
    call_digest, body_digest = call.digests
    entry = ApiEntry.objects.filter(call_digest=call_digest).select_related("request").first()
    if entry is None:
        return None
    if entry.body_digest != body_digest:
        raise CallReused(_("This key belongs to an earlier call that asked for something else."))
    return [entry.request, *entry.request.linked.order_by("pk")]


def enter(wishes: Sequence[intake.Submission], call: intake.Call, *, now: datetime) -> tuple[list[Request], bool]:
    """Store them, and whether they are new: of the same call made several times at once, one makes them.

    ValidationError and CallReused as above.
    """
    try:
        return intake.submit_many([replace(asked, call=call) for asked in wishes], now=now), True
    except IntegrityError:
        if (found := before(call)) is None:
            raise
        return found, False
