"""Exactly the period: not a microsecond, a day or a month early or late."""

from datetime import UTC, date, datetime, timedelta

import pytest

from crasme.crm.models import Account, Invoice, UsageEvent
from retention import predicate, services
from retention.models import Run
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)


def run(slug: str, now: datetime = NOW) -> Run:
    done = services.run_rule(builders.rule(slug), now=now, actor="system:test")
    assert done is not None
    assert (done.state, done.last_error) == (Run.State.DONE, "")
    return done


def test_an_account_is_kept_for_90_days_to_the_microsecond() -> None:
    cutoff = datetime(2026, 8, 24, 12, tzinfo=UTC)
    kept, gone = builders.account(closed=cutoff), builders.account(closed=cutoff - TICK)
    assert run("account-closed").cutoff == cutoff
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.status, gone.status) == ("closed", "erased")
    run("account-closed", NOW + timedelta(days=1))
    kept.refresh_from_db()
    assert kept.status == "erased"


def test_usage_is_kept_for_24_months_to_the_microsecond() -> None:
    owner = builders.account()
    cutoff = datetime(2024, 11, 22, 12, tzinfo=UTC)
    for moment in (
        cutoff,
        cutoff - TICK,
        cutoff + TICK,
        datetime(2024, 11, 1, tzinfo=UTC),
        datetime(2024, 10, 31, 23, 59, 59, 999999, UTC),
    ):
        builders.event(owner, moment)
    done = run("usage")
    assert sorted(UsageEvent.objects.values_list("occurred_at", flat=True)) == [cutoff, cutoff + TICK]
    assert (done.rows_total, done.counts["partitions"]) == (3, 1)


@pytest.mark.parametrize(
    ("now", "first_kept"),
    [
        # The shorter month has no such day: its period ends with the first instant after it.
        (datetime(2026, 2, 28, 23, 59, tzinfo=UTC), datetime(2024, 2, 28, 23, 59, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, 8, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        # Nights on which clocks in Europe change: UTC knows nothing of it.
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2024, 3, 29, 1, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 59, 59, 999999, UTC), datetime(2024, 10, 25, 0, 59, 59, 999999, UTC)),
        (datetime(2026, 12, 31, 23, 59, 59, 999999, UTC), datetime(2024, 12, 31, 23, 59, 59, 999999, UTC)),
    ],
)
def test_usage_at_month_ends_in_leap_years_and_on_clock_changes(now: datetime, first_kept: datetime) -> None:
    owner = builders.account()
    kept, gone = builders.event(owner, first_kept), builders.event(owner, first_kept - TICK)
    run("usage", now)
    assert set(UsageEvent.objects.values_list("pk", flat=True)) == {kept.pk}
    assert gone.pk != kept.pk


@pytest.mark.parametrize(
    ("now", "kept", "gone"),
    [
        (datetime(2026, 11, 22, 0, 0, tzinfo=UTC), date(2019, 11, 22), date(2019, 11, 21)),
        (datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), date(2019, 11, 22), date(2019, 11, 21)),
        (datetime(2027, 2, 28, 12, tzinfo=UTC), date(2020, 2, 28), date(2020, 2, 27)),
        (datetime(2027, 3, 1, 12, tzinfo=UTC), date(2020, 3, 1), date(2020, 2, 29)),
    ],
)
def test_invoices_are_kept_for_seven_years_to_the_day(now: datetime, kept: date, gone: date) -> None:
    stays = builders.invoice(None, kept)
    builders.invoice(None, gone)
    run("billing", now)
    assert list(Invoice.objects.values_list("pk", flat=True)) == [stays.pk]


def test_a_tombstone_goes_after_seven_years_but_never_before_its_invoices() -> None:
    erased = datetime(2019, 11, 22, 11, tzinfo=UTC)
    fields = {"status": "erased", "erased_at": erased, "email": "", "full_name": ""}
    bare, billed = builders.account(**fields), builders.account(**fields)
    invoice = builders.invoice(billed, date(2020, 1, 1), billed_email="")
    run("tombstones")
    assert not Account.objects.filter(pk=bare.pk).exists()
    assert Account.objects.filter(pk=billed.pk).exists()
    invoice.delete()
    assert predicate.releasable(builders.rule("tombstones"), NOW).get() == billed


def test_a_run_that_is_resumed_keeps_the_cutoff_it_began_with() -> None:
    builders.account(closed=datetime(2026, 8, 20, tzinfo=UTC))
    done = run("account-closed")
    assert done.period_key == "2026-11-22"
    # The same UTC day: nothing is due again, whatever time it is.
    assert services.run_rule(builders.rule("account-closed"), now=NOW + timedelta(hours=6), actor="system:test") is None
