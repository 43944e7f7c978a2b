"""`manage.py retention`, and the task that beat calls."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crasme.crm.models import Account
from crasme.crm.services.disputes import open_dispute
from retention import tasks
from retention.models import BackupSet, Rule, Run
from tests.retention import builders

pytestmark = pytest.mark.django_db


def retention(*arguments: str) -> str:
    out = StringIO()
    call_command("retention", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def closed() -> Account:
    return builders.account(closed=timezone.now() - timedelta(days=60))


def plan(*arguments: str) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in retention("plan", "--json", *arguments).splitlines()]
    return {line["rule"]: line for line in lines}


def test_a_plan_for_today_and_for_a_day_to_come(closed: Account) -> None:
    assert plan()["account-closed"]["rows"] == 0
    later = (timezone.now() + timedelta(days=31)).date()
    line = plan("--at", later.isoformat())["account-closed"]
    assert (line["rows"], line["deferred"], line["period"], line["policy_section"]) == (1, 0, "P90D", "P8.1")
    cutoff = datetime.combine(later, datetime.max.time(), tzinfo=UTC) - timedelta(days=90)
    assert datetime.fromisoformat(line["cutoff"]).replace(microsecond=0) == cutoff.replace(microsecond=0)
    assert not Run.objects.exists()
    assert "account-closed" in retention("plan")


def test_a_run_prints_each_rule_and_the_second_one_nothing(closed: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    Account.objects.update(closed_at=timezone.now() - timedelta(days=91))
    first = retention("run")
    assert "account-closed" in first
    assert "1 rows" in first
    assert retention("run").strip() == "Nothing to do: every rule has run today."
    closed.refresh_from_db()
    assert closed.status == "erased"
    run = Run.objects.get(rule__slug="account-closed")
    monkeypatch.setattr("sys.stdin", StringIO(f"{closed.pk}\n"))
    assert json.loads(retention("prove", str(run.pk)))["root"] == run.digest
    for wrong in (str(closed.pk), "x"):
        with pytest.raises(CommandError, match="no such run"):
            retention("prove", wrong)


def test_a_run_that_stops_ends_with_an_error(tmp_path: Any, settings: Any) -> None:
    settings.BACKUP_DIR = tmp_path / "nowhere"
    made = timezone.now() - timedelta(days=40)
    BackupSet.objects.create(name="x", kind="wal", location="x", made_at=made, expires_at=made + timedelta(days=30))
    with pytest.raises(CommandError, match="Not every rule"):
        retention("run")
    assert Run.objects.get(rule__slug="backups").last_error == "backup-folder-missing"


def test_explain_answers_in_words_or_with_an_error(closed: Account) -> None:
    assert retention("explain", "crm.account", str(closed.pk)).startswith("kept until ")
    lines = retention("explain", "crm.account", "--all", "--json").splitlines()
    assert [(json.loads(line)["pk"], json.loads(line)["over"]) for line in lines] == [(str(closed.pk), False)]
    header, row = retention("explain", "crm.account", "--all", "--csv").splitlines()
    assert (header.split(",")[1], row.split(",")[1]) == ("key", str(closed.pk))
    contested = builders.invoice(builders.account(), date(2026, 1, 2))
    open_dispute(contested, reason="amount", actor="staff:test", now=timezone.now())
    first, *fields = retention("explain", "crm.invoice", str(contested.pk)).splitlines()
    assert "; in dispute since" in first
    said = [line.partition(": ") for line in fields]
    assert len({words for _names, _colon, words in said}) == len(said) < sum(names.count(",") + 1 for names, *_ in said)
    for wrong in ((str(closed.pk), "--all"), ()):
        with pytest.raises(CommandError, match="Name the rows"):
            retention("explain", "crm.account", *wrong)
    with pytest.raises(CommandError, match=r"no key of crm\.account"):
        retention("explain", "crm.account", "nothing")
    with pytest.raises(CommandError, match=r"1 of 2 rows are not there"):
        retention("explain", "crm.account", str(closed.pk).upper(), str(builders.organisation().pk))
    with pytest.raises(CommandError, match="ten years ahead at most"):
        retention("plan", "--at", "9999-01-01")
    with pytest.raises(CommandError, match="no table"):
        retention("explain", "crm.nothing", "1")


def test_the_task_carries_out_what_is_due(closed: Account) -> None:
    assert tasks.tick() is None
    assert Run.objects.count() == Rule.objects.in_force(timezone.now()).acting().count()
