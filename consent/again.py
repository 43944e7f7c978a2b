"""Opt-outs and their ends once more, in a database from before them (retention.again), by the hash of the address.

What could go wrong: the act is written down a second time, so nothing here writes it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from consent.inserts import insert_once
from consent.models import Suppression
from consent.models.suppression import parts_of


def suppress(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """One opt-out, or the many of an imported list (`rows`)."""
    if "rows" in content:
        return sum(_listed(row, content["source"], now) for row in content["rows"]) > 0
    return insert_once(
        Suppression(
            address=content["address"],
            key_version=content["key"],
            scope=content["scope"],
            channel=content["channel"],
            reason=content["reason"],
            source=content["source"],
            created_at=now,
        )
    )


def _listed(row: Sequence[Any], source: str, now: datetime) -> bool:
    address, key, scope, channel, reason = row
    return insert_once(
        Suppression(
            address=address,
            key_version=key,
            scope=scope,
            channel=channel,
            reason=reason,
            source=source,
            created_at=now,
        )
    )


def lift(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """A scope with all its parts, by every channel; with a channel, this one row."""
    rows = Suppression.objects.filter(address=content["address"], created_at__lte=now)
    one = {"scope": content["scope"], "channel": content.get("channel")}
    rows = rows.filter(**one) if "channel" in content else rows.filter(parts_of(content["scope"]))
    count, _per_model = rows.delete()
    return bool(count)
