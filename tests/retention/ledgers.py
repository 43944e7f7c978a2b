"""A ledger of the test's own, and what stands in it."""

from pathlib import Path

import pytest
from pytest_django import Settings

from crasme.crm.models import Account
from crasme.kit.datamap import Subject
from retention import erasure
from retention.outside.lines import Entry
from tests.retention.builders import NOW

ACTOR = "staff:00000000-0000-7000-8000-000000000001"


@pytest.fixture
def ledger(settings: Settings, tmp_path: Path) -> Path:
    settings.ERASURE_LEDGER_URL = str(tmp_path / "ledger.jsonl")
    return Path(settings.ERASURE_LEDGER_URL)


def erase(account: Account) -> erasure.Outcome:
    of = Subject.of(account=account.pk, email=account.email)
    return erasure.erase(of, plan_hash=erasure.preview(of, NOW).hash, actor=ACTOR, now=NOW)


def entry(number: int, prev: str = "", **content: object) -> Entry:
    return Entry.made(number, {"act": "expiry", "server": "x", "xid": "1", **content}, prev)
