"""Opt-outs and their ends once more, in a database from before them (retention.again), by the hash of the address.

What could go wrong: the act is written down a second time, so nothing here writes it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consent.inserts import insert_once
from consent.models import Suppression


def suppress(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    return insert_once(
        Suppression(
            address=content["address"],
            key_version=content["key"],
            scope=content["scope"],
            reason=content["reason"],
            source=content["source"],
            created_at=now,
        )
    )


def lift(content: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    count, _per_model = Suppression.objects.filter(
        address=content["address"], scope__startswith=content["scope"], created_at__lte=now
    ).delete()
    return bool(count)
