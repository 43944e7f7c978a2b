"""How far rules are behind, and how many months of partitions are ready: measured, shown, exported, alarmed."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from crasme.crm.models import UsageEvent
from crasme.crm.partitions import TABLE, make_ahead, make_span, months_ahead
from crasme.dashboard import works
from crasme.kit import gauges, partitions
from retention import holds, metrics, runway, services, standing, tasks, wording
from retention.models import Rule, Standing
from tests.builders import make_user, sign_in
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

PERIOD = timedelta(days=90)
DAY = timedelta(days=1)


def closed(over: timedelta) -> object:
    """An account whose 90 days were over so long before NOW; negative: will be."""
    return builders.account(closed=NOW - PERIOD - over)


def sample(name: str, *labels: str) -> float:
    ours = [gauge for gauge in gauges.known() if gauge.read.__module__ == metrics.__name__]
    return dict(next(gauge for gauge in ours if gauge.name == name).samples())[labels]


def taken(slug: str = "account-closed") -> Standing:
    return Standing.objects.get(rule__slug=slug)


def test_a_rule_s_standing_says_how_far_it_is_behind_and_what_is_kept_why(caplog: pytest.LogCaptureFixture) -> None:
    closed(timedelta(hours=30))
    closed(timedelta(hours=3))
    closed(-2 * DAY)
    builders.account(closed=NOW - PERIOD - 5 * DAY, restricted_at=NOW)
    held = builders.account(closed=NOW - PERIOD - 9 * DAY)
    builders.hold(holds.account(held.pk))
    with caplog.at_level(logging.ERROR):
        assert len(standing.measure(NOW)) == Rule.objects.in_force(NOW).acting().count()
    assert [record.getMessage() for record in caplog.records] == [
        "The rule account-closed is behind: its oldest row is 30 hours over."
    ]
    found = taken()
    assert (found.due, found.kept, found.empty_in, found.oldest_end) == (2, 2, None, NOW - timedelta(hours=30))
    assert {each["why"]: each["rows"] for each in found.kept_why} == {"legal hold": 1, "processing is restricted": 1}
    assert (found.intake, found.drain, found.is_late(NOW)) == (1 / 7, 0, True)
    assert wording.overdue(found, NOW) == "30 hours over, 2 rows due"
    assert "legal hold: 1" in wording.kept(found)
    line = next(line for line in works.behind(NOW) if line.title == "account-closed")
    assert (line.tone, line.words) == ("bad", "30 hours over, 2 rows due")
    services.run_rule(builders.rule("account-closed"), now=NOW, actor="system:test")
    closed(timedelta(hours=1))
    standing.measure(NOW + timedelta(hours=1))
    after = taken()
    assert (after.due, after.drain, after.is_late(NOW)) == (1, 2 / 7, False)
    assert after.empty_in is not None
    assert after.empty_in > timedelta(0)
    assert wording.overdue(after, NOW) == "60 minutes over, 1 row due, about a minute of work"


def test_what_cannot_be_measured_says_so_and_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not works.measured()
    nothing = render_to_string("admin/dashboard/behind.html", {"dashboard": {"behind": [], "measured": False}})
    assert ("Not measured yet. Once an hour" in nothing, "No row outlived" in nothing) == (True, False)
    closed(timedelta(hours=1))
    standing.measure(NOW)
    assert works.measured()
    # What was measured longest ago comes first, so that no rule is left out hour by hour.
    taken("billing").delete()
    assert standing.measure(NOW, budget=timedelta(0)) == []
    assert standing.measure(NOW)[0].rule.slug == "billing"
    oldest = standing._oldest

    def slow(rule: Rule, rows: object) -> object:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '1ms'; SELECT pg_sleep(1)")
        return oldest(rule, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(standing, "_oldest", slow)
    standing.measure(NOW + timedelta(hours=1))
    assert (taken().trouble, taken().due, taken().taken_at) == ("OperationalError", 1, NOW)
    assert (taken("billing").trouble, taken("billing").taken_at) == ("", NOW + timedelta(hours=1))


def test_the_oldest_event_of_a_partitioned_table_and_of_its_shelf() -> None:
    owner = builders.account()
    builders.shelved(owner, datetime(2024, 10, 1, tzinfo=UTC))
    builders.event(owner, datetime(2024, 11, 1, tzinfo=UTC))
    standing.measure(NOW)
    assert (taken("usage").due, taken("usage").oldest_end) == (2, datetime(2026, 10, 1, tzinfo=UTC))


def test_figures_and_the_rule_s_page(client: Client) -> None:
    assert sample("crasme_retention_measured_seconds_ago") == float("inf")
    builders.account(closed=timezone.now() - PERIOD - DAY)
    assert tasks.measure() == 0
    assert 86_400 <= sample("crasme_retention_overdue_seconds", "account-closed") < 86_500
    assert sample("crasme_retention_rows_due", "account-closed") == 1
    assert sample("crasme_retention_rows_kept", "account-closed") == 0
    assert sample("crasme_retention_intake_per_day", "account-closed") == 0
    assert sample("crasme_retention_drain_per_day", "account-closed") == 0
    unknown = sample("crasme_retention_empty_in_seconds", "account-closed")
    assert unknown != unknown
    assert sample("crasme_retention_measured_seconds_ago") < 60
    sign_in(client, make_user(is_superuser=True))
    rule = builders.rule("account-closed")
    page = client.get(f"/admin/retention/rule/{rule.pk}/change/").content.decode()
    assert "24 hours over, 1 row due" in page
    assert "24 hours over, 1 row due" in client.get("/admin/").content.decode()


def test_a_runway_is_alarmed_and_caught_up_whatever_the_clock_does(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    make_ahead(now)
    tables = partitions.tables(connection)
    assert set(runway.ahead(now)) == set(tables) >= {TABLE}
    assert sample("crasme_partition_months_ahead", TABLE) == 3
    assert TABLE not in runway.short(now)
    # Forward a year: nothing is there, and one call catches up; the months between come when their events do.
    year = now + timedelta(days=365)
    assert runway.short(year)[TABLE] == -1
    assert next(line.tone for line in works.behind(year) if line.title == TABLE) == "bad"
    assert len(make_ahead(year)) == 4
    assert (months_ahead(year), months_ahead(now)) == (3, 3)
    between = now + timedelta(days=200)
    make_span(between, between)
    UsageEvent.objects.create(account_id=builders.account().pk, occurred_at=between, kind="page", name="/")
    # And back: everything is there, nothing is made twice.
    assert make_ahead(now) == []
    assert make_ahead(year) == []
    assert "partitions-run-out" not in client.get("/health/ready/").json()["warnings"]
    monkeypatch.setattr(runway, "SHORT", 40)
    assert client.get("/health/ready/").json()["warnings"] == ["partitions-run-out"]
