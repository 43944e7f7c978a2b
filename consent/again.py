"""Opt-outs and their ends once more, in a database from before them (retention.again), by the hash of the address.

What could go wrong: the act is written down a second time, so nothing here writes it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consent.inserts import insert_once
from consent.models import Suppression
from consent.models.suppression import parts_of


def suppress(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
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


def lift(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """A scope with all its parts, by every channel; with a channel, this one row."""
    rows = Suppression.objects.filter(address=content["address"], created_at__lte=now)
    one = {"scope": content["scope"], "channel": content.get("channel")}
    rows = rows.filter(**one) if "channel" in content else rows.filter(parts_of(content["scope"]))
    count, _per_model = rows.delete()
    return bool(count)
