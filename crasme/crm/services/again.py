"""Restrictions, objections, disputes and their ends once more, in a database from before them (retention.again).

What could go wrong: the act is written down a second time (so nothing here writes it), or one comes back that nobody
can lift, because the request it came from is not in the backup (so it comes back as one that staff may lift; the ledger
keeps who placed it, when, and whether the person had asked, and the page says so before anybody lifts it).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crasme.crm import verbs
from crasme.crm.models import Account, Dispute, Invoice
from crasme.kit.crypto import subject_ref
from crasme.ledger.models import Entry
from crasme.ledger.services import record

Content = Mapping[str, Any]


def restrict(content: Content, *, actor: str, now: datetime) -> bool:
    is_new = _set(content, {"restricted_at": None}, restricted_at=now, restricted_by_request=False)
    if is_new:
        record(
            verbs.ACCOUNT_RESTRICTED,
            actor=content.get("by") or actor,  # entries of before it was written down name nobody
            subject=subject_ref("account", content["account"]),
            by_request=bool(content.get("by_request")),
            restored=True,
            since=now,
        )
    return is_new


def was_asked_for(account: Account) -> datetime | None:
    """When the person asked for a restriction that came back with a restore, where it is one that staff may lift."""
    if account.restricted_at is None or account.restricted_by_request:
        return None
    entries = Entry.objects.filter(verb=verbs.ACCOUNT_RESTRICTED, subject=subject_ref("account", account.pk))
    last = entries.order_by("-id").first()
    return account.restricted_at if last is not None and last.facts.get("by_request") else None


def unrestrict(content: Content, *, actor: str, now: datetime) -> bool:
    return _set(content, {"restricted_at__isnull": False}, restricted_at=None, restricted_by_request=False)


def stop_analysis(content: Content, *, actor: str, now: datetime) -> bool:
    return _set(content, {"analytics_objected_at": None}, analytics_objected_at=now)


def resume_analysis(content: Content, *, actor: str, now: datetime) -> bool:
    return _set(content, {"analytics_objected_at__isnull": False}, analytics_objected_at=None)


def dispute(content: Content, *, actor: str, now: datetime) -> bool:
    """An invoice that is not in the backup, or has ended, cannot be kept."""
    if Dispute.objects.filter(pk=content["dispute"]).exists():
        return False
    invoice = Invoice.objects.select_for_update().filter(pk=content["invoice"]).first()
    if invoice is None:
        return False
    Dispute.objects.create(
        id=content["dispute"],
        invoice=invoice,
        reference=content["reference"],
        reason=content["reason"],
        opened_at=datetime.fromisoformat(content["opened_at"]),
        opened_by=content["by"],
    )
    return True


def settle(content: Content, *, actor: str, now: datetime) -> bool:
    running = Dispute.objects.filter(pk=content["dispute"], closed_at=None)
    return bool(running.update(closed_at=datetime.fromisoformat(content["closed_at"]), closed_by=content["by"]))


def _set(content: Content, only: Mapping[str, Any], **fields: Any) -> bool:
    """Whether it was not so already; the replay keeps the evidence."""
    present = Account.objects.present().filter(pk=content["account"], **only)
    return bool(present.update(**fields))
