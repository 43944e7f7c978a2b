"""Restrictions, objections and their ends once more, in a database from before them (retention.again).

What could go wrong: the act is written down a second time (so nothing here writes it), or one comes back that nobody
can lift, because the request it came from is not in the backup (so it comes back as one that staff may lift).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crasme.crm.models import Account

Content = Mapping[str, Any]


def restrict(content: Content, *, actor: str, now: datetime) -> bool:
    return _set(content, {"restricted_at": None}, restricted_at=now, restricted_by_request=False)


def unrestrict(content: Content, *, actor: str, now: datetime) -> bool:
    return _set(content, {"restricted_at__isnull": False}, restricted_at=None, restricted_by_request=False)


def stop_analysis(content: Content, *, actor: str, now: datetime) -> bool:
    return _set(content, {"analytics_objected_at": None}, analytics_objected_at=now)


def resume_analysis(content: Content, *, actor: str, now: datetime) -> bool:
    return _set(content, {"analytics_objected_at__isnull": False}, analytics_objected_at=None)


def _set(content: Content, only: Mapping[str, Any], **fields: Any) -> bool:
    """Whether it was not so already; the replay keeps the evidence."""
    present = Account.objects.present().filter(pk=content["account"], **only)
    return bool(present.update(**fields))
