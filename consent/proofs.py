"""What an auditor, or the person, is handed about one decision: everything, in one archive that explains itself."""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from consent import look, pictures, receipts, seal, verify_receipt
from consent.models import ConsentEvent, Notice
from consent.models.events import Decision

README = """What this visitor was shown and chose
=====================================

record.jsonld        the decision, ISO/IEC TS 27560 in the words of the Data Privacy Vocabulary
visitor.jsonld       every decision of the same browser that is kept, oldest first
receipt.json         the same record, signed, as the person can have it
notice.json          the content of the notice; its SHA-256 is in the record
notice.html          the notice as it stood on screen; open it in a browser
picture-*.png        the notice as a browser drew it when it was published, where one was taken
ledger.json          the entry of the publication, and of the day on which the choices were sealed, with the path to it
keys.json            the public keys
verify_receipt.py    python3 verify_receipt.py receipt.json keys.json

The ledger's entries are compared at /evidence/verify/ by number and digest. The path in ledger.json: a leaf is
SHA-256(00 || digest as text), a node SHA-256(01 || left || right); it ends at the root that the sealed entry holds.
"""


def archive(decision: Decision, *, now: datetime) -> bytes:
    """A ZIP. NoReceipt when the record cannot be told in full."""
    notice = Notice.objects.filter(sha256=decision.notice).first()
    record = receipts.record_of(decision, now=now)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", README)
        bundle.writestr("record.jsonld", _json(record))
        bundle.writestr("visitor.jsonld", _json(of_visitor(decision, now=now)))
        bundle.writestr("receipt.json", _json(receipts.issue(decision, now=now)))
        bundle.writestr("keys.json", _json(public_keys()))
        bundle.writestr("verify_receipt.py", Path(verify_receipt.__file__).read_text(encoding="utf-8"))
        if notice is not None:
            bundle.writestr("notice.json", _json(notice.content))
            bundle.writestr("notice.html", look.document(notice))
            ledger = {"publication": receipts.publication(notice), "sealed": seal.proof(decision)}
            bundle.writestr("ledger.json", _json(ledger))
            for picture in pictures.of_notice(notice.sha256):
                bundle.writestr(f"picture-{picture.view}.png", bytes(picture.png))
    return file.getvalue()


def of_visitor(decision: Decision, *, now: datetime) -> dict[str, Any]:
    """Every decision of the same browser, as one JSON-LD graph."""
    rows = ConsentEvent.objects.filter(visitor=decision.visitor).order_by("decided_at", "id")
    records = [receipts.record_of(row, now=now) for row in rows]
    context = records[0]["@context"] if records else {}
    return {"@context": context, "@graph": [{k: v for k, v in each.items() if k != "@context"} for each in records]}


def public_keys() -> dict[str, Any]:
    return {"keys": [receipts.described(key) for key in receipts.keys().values()]}


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=False)
