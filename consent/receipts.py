"""The receipt that a person keeps: the whole record and the notice, signed, so that it needs nobody's word later.

    {"schema": "crasme-consent-receipt/1", "receipt_id": …, "issued_at": …, "issuer": …, "record": {JSON-LD},
     "notice": {content}, "ledger": {"entry": …, "digest": …}, "key": {"id": …, "public": …}, "signature": …}

The signature (Ed25519, base64) is over the canonical JSON of all but itself. `verify_receipt.py`, which the site hands
out, checks it with Python alone and no network.

What could go wrong: a receipt that is only a pointer (it holds everything), a receipt of somebody else's choice (it is
made for the browser's own visitor number alone), a key that is exchanged and old receipts that nobody can check (former
public keys stay in RECEIPT_FORMER_KEYS), a forger's own key inside a forged receipt (only keys of ours count).
"""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from consent import jsonld, mandatory, verbs
from consent.errors import ConsentError
from consent.models import ConsentEvent, HeldConsentEvent, Notice
from consent.models.events import Decision
from crasme.kit.ids import uuid7
from crasme.ledger import signing
from crasme.ledger.models import Entry

PURPOSE: Final = "consent-receipt"
SCHEMA: Final = "crasme-consent-receipt/1"
LARGEST: Final = 512 * 1024


class NoReceipt(ConsentError):
    """The record cannot be told in full: its notice is gone, or a mandatory field is empty."""

    code = "no-receipt"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`signed`: by a key of ours, unchanged. `stored`: our record is here and says the same; None: it has ended."""

    signed: bool
    stored: bool | None = None
    record: str = ""
    decided_at: datetime | None = None


def record_of(decision: Decision, *, now: datetime) -> dict[str, Any]:
    """The decision as JSON-LD. NoReceipt when a mandatory field would be missing."""
    notice = Notice.objects.filter(sha256=decision.notice).first()
    if notice is None:
        raise NoReceipt("The notice of this record is not here any more.")
    document = jsonld.record(decision, notice, now=now)
    if missing := mandatory.problems(document):
        raise NoReceipt(f"The record lacks {', '.join(missing)}.")
    return document


def issue(decision: Decision, *, now: datetime) -> dict[str, Any]:
    """A signed receipt. NoReceipt as `record_of`."""
    document = record_of(decision, now=now)
    notice = Notice.objects.get(sha256=decision.notice)
    receipt: dict[str, Any] = {
        "schema": SCHEMA,
        "receipt_id": str(uuid7()),
        "issued_at": now.astimezone(UTC).isoformat(),
        "issuer": settings.SITE_URL,
        "record": document,
        "notice": notice.content,
        "ledger": publication(notice),
        "key": described(signing.public_key(PURPOSE)),
    }
    receipt["signature"] = base64.b64encode(bytes.fromhex(signing.sign(PURPOSE, receipt))).decode()
    return receipt


def publication(notice: Notice) -> dict[str, str]:
    """The ledger's entry of the day on which the notice was published, by number and digest."""
    entry = Entry.objects.filter(verb=verbs.NOTICE_PUBLISHED.name, facts__version=notice.version).order_by("id").first()
    return {"entry": str(entry.pk), "digest": entry.digest} if entry else {}


def verify(text: str) -> Verdict:
    """Whether a receipt was signed here and what our own record says; never raises for what somebody pasted."""
    try:
        receipt = json.loads(text[:LARGEST])
        signature = base64.b64decode(receipt.pop("signature"), validate=True)
        signed = signing.is_signed(receipt, signature=signature.hex(), key=keys()[receipt["key"]["id"]])
        identifier = uuid.UUID(receipt["record"]["dct:identifier"])
        digest = receipt["record"]["crasme:digest"].removeprefix("sha256:")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Verdict(signed=False)
    if not signed:
        return Verdict(signed=False)
    stored = (
        ConsentEvent.objects.filter(id=identifier).first() or HeldConsentEvent.objects.filter(id=identifier).first()
    )
    if stored is None:
        return Verdict(signed=True, record=str(identifier))
    same = stored.digest == digest == stored.computed_digest()
    return Verdict(signed=True, stored=same, record=str(identifier), decided_at=stored.decided_at)


def keys() -> dict[str, str]:
    """Key id → public key in hex: the one that signs, and former ones."""
    return {described(key)["id"]: key for key in signing.keys(PURPOSE)}


def described(key: str) -> dict[str, str]:
    """{"id": first 16 hexadecimal digits of its SHA-256, "public": base64} of a public key in hex."""
    raw = bytes.fromhex(key)
    return {"id": hashlib.sha256(raw).hexdigest()[:16], "public": base64.b64encode(raw).decode()}
