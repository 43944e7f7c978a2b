"""Months of the usage table: ahead, on demand, at once, and at the very edge."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction

from crasme.crm import metrics, partitions, tasks
from crasme.crm.models import UsageEvent
from crasme.kit.partitions import existing
from tests.builders import make_account, make_events

LEAP_EVE = datetime(2032, 1, 31, 23, 59, 59, tzinfo=UTC)


def _names() -> set[str]:
    return {each.name for each in existing(connection, partitions.TABLE)}


def test_this_month_and_three_more_are_made_once(db: None) -> None:
    made = partitions.make_ahead(LEAP_EVE)
    assert made == [f"crm_usageevent_y2032m{month:02}" for month in (1, 2, 3, 4)]
    assert partitions.make_ahead(LEAP_EVE) == []
    assert partitions.make_ahead(LEAP_EVE + timedelta(seconds=1)) == ["crm_usageevent_y2032m05"]


def test_a_new_installation_takes_events_before_its_first_task(db: None) -> None:
    assert metrics.months_ahead() == 3
    assert tasks.make_partitions() == 0


def test_months_ahead_counts_without_gaps(db: None) -> None:
    month = datetime(2040, 5, 17, tzinfo=UTC)
    assert partitions.months_ahead(month) == -1
    partitions.make_span(month, month)
    assert partitions.months_ahead(month) == 0
    partitions.make_span(month + timedelta(days=62), month + timedelta(days=62))  # July, but not June
    assert partitions.months_ahead(month) == 0


def test_the_last_microsecond_of_a_month_stays_in_it(db: None) -> None:
    edge = datetime(2032, 3, 1, tzinfo=UTC)
    account = make_account()
    make_events(account, [edge - timedelta(microseconds=1), edge])
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, occurred_at FROM crm_usageevent ORDER BY occurred_at")
        assert cursor.fetchall() == [
            ("crm_usageevent_y2032m02", edge - timedelta(microseconds=1)),
            ("crm_usageevent_y2032m03", edge),
        ]


def test_a_span_of_months_present_makes_nothing_and_takes_no_lock(db: None) -> None:
    partitions.make_ahead(LEAP_EVE)
    assert partitions.make_span(LEAP_EVE, LEAP_EVE + timedelta(days=60)) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        held = cursor.fetchone()[0]
    partitions.make_span(LEAP_EVE, LEAP_EVE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == held


def test_four_at_once_make_each_month_once(transactional_db: None) -> None:
    first, last = datetime(2035, 1, 1, tzinfo=UTC), datetime(2035, 3, 1, tzinfo=UTC)

    def make(_number: int) -> list[str]:
        try:
            return partitions.make_span(first, last)
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(4) as pool:
            made = [name for names in pool.map(make, range(4)) for name in names]
        assert sorted(made) == [f"crm_usageevent_y2035m0{month}" for month in (1, 2, 3)]
        assert _names() >= set(made)
    finally:
        with connection.cursor() as cursor:  # partitions outlive the flush of a transactional test
            for name in ("crm_usageevent_y2035m01", "crm_usageevent_y2035m02", "crm_usageevent_y2035m03"):
                cursor.execute(f"DROP TABLE IF EXISTS {name}")


def test_a_month_without_a_partition_refuses_rows_and_keeps_the_rest(db: None) -> None:
    account = make_account()
    with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
        UsageEvent.objects.create(account=account, occurred_at=datetime(1999, 1, 1, tzinfo=UTC), kind="page", name="x")
    assert not UsageEvent.objects.exists()
