"""What monitoring reads: zeros where nothing is wrong, and never a gap."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from crasme.kit import gauges
from retention import holds, metrics, services
from retention.models import BackupSet, Rule
from tests.retention import builders

pytestmark = pytest.mark.django_db
NAMES = {gauge.name for gauge in gauges.known() if gauge.read.__module__ == metrics.__name__}


def samples(name: str) -> dict[tuple[str, ...], float]:
    return dict(next(gauge for gauge in gauges.known() if gauge.name == name).samples())


# Tested in test_standing.py.
STANDING = {
    "crasme_partition_months_ahead",
    "crasme_retention_measured_seconds_ago",
    "crasme_retention_overdue_seconds",
    "crasme_retention_rows_due",
    "crasme_retention_rows_kept",
    "crasme_retention_intake_per_day",
    "crasme_retention_drain_per_day",
    "crasme_retention_empty_in_seconds",
}


def test_all_of_them_are_tested_here() -> None:
    others = {
        "crasme_retention_open_runs",
        "crasme_retention_hours_since_run",
        "crasme_retention_backups_overdue",
        "crasme_restore_gate_open",
        "crasme_restore_parked",
    }
    assert STANDING | others == NAMES


def test_open_runs_by_state() -> None:
    assert samples("crasme_retention_open_runs") == {("running",): 0, ("waiting",): 0, ("stopped",): 0}
    Rule.objects.filter(slug="account-closed").update(max_rows=0)
    builders.account(closed=timezone.now() - timedelta(days=91))
    services.run_due(timezone.now())
    assert samples("crasme_retention_open_runs")[("waiting",)] == 1


def test_hours_since_the_last_run() -> None:
    assert samples("crasme_retention_hours_since_run")[()] == float("inf")
    services.run_rule(builders.rule("billing"), now=timezone.now() - timedelta(hours=5), actor="system:test")
    assert 4.9 < samples("crasme_retention_hours_since_run")[()] < 5.1


def test_backups_that_should_be_gone() -> None:
    made = timezone.now() - timedelta(days=31)
    for location, gone in (("a", None), ("b", timezone.now())):
        BackupSet.objects.create(
            name=location,
            kind="wal",
            location=location,
            made_at=made,
            expires_at=made + timedelta(days=30),
            deleted_at=gone,
            verified_gone_at=gone,
        )
    assert samples("crasme_retention_backups_overdue") == {(): 1}


def test_the_restore_gate(settings: Settings) -> None:
    assert samples("crasme_restore_parked") == {(): 0}
    assert samples("crasme_restore_gate_open") == {(): 1}
    builders.hold(holds.account(builders.account().pk))
    Path(settings.ERASURE_LEDGER_URL).unlink()
    assert samples("crasme_restore_gate_open") == {(): 0}
