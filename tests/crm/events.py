"""Events as a sender would write them."""

import json
from datetime import datetime, timedelta
from typing import Any

from crasme.crm.models import Account
from crasme.kit.ids import uuid7
from tests.builders import NOW


def event(account: Account, /, **fields: Any) -> dict[str, Any]:
    made = {"id": str(uuid7()), "account": str(account.pk), "occurred_at": NOW.isoformat()}
    return made | {"kind": "page", "name": "deals"} | fields


def ndjson(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in events)


def many(accounts: list[Account], count: int, *, until: datetime = NOW) -> list[dict[str, Any]]:
    """`count` events, a second apart, of each account in turn."""
    return [
        event(accounts[number % len(accounts)], occurred_at=(until - timedelta(seconds=number)).isoformat())
        for number in range(count)
    ]
