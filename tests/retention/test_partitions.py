"""Months of usage: dropped whole, with what is on hold carried over first."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from consent.models import ConsentEvent, HeldConsentEvent
from crasme.crm.models import Account, HeldUsageEvent, UsageEvent
from crasme.crm.partitions import TABLE
from crasme.kit import merkle, partitions
from crasme.kit.ids import uuid7
from retention import holds, reckoning, services
from retention.engine import checkpoint, digests, partitions as purge, plans
from retention.engine.traffic import Traffic
from retention.engine.watch import Watch
from retention.models import Run
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

OLD = datetime(2024, 5, 10, 8, tzinfo=UTC)
DAY = timedelta(days=1)
BOUNDARY = datetime(2024, 11, 10, tzinfo=UTC)


def run(now: datetime = NOW) -> Run:
    done = services.run_rule(builders.rule("usage"), now=now, actor="system:test")
    assert done is not None
    assert (done.state, done.last_error) == (Run.State.DONE, "")
    return done


def names() -> set[str]:
    return {each.name for each in partitions.existing(connection, TABLE)}


def test_months_that_are_over_are_dropped_and_younger_ones_stay() -> None:
    owner = builders.account()
    gone = [builders.event(owner, OLD + timedelta(days=number)) for number in range(3)]
    kept = builders.event(owner, NOW - timedelta(days=30))
    done = run()
    assert list(UsageEvent.objects.all()) == [kept]
    assert "crm_usageevent_y2024m05" not in names()
    assert done.progress["partitions"][-1] == "crm_usageevent_y2024m05"
    digest = digests.of_keys([event.pk for event in gone])
    leaves = [digests.leaf("crm.usageevent crm_usageevent_y2024m05", 3, digest)]
    assert done.digest == merkle.whole(leaves) == leaves[0]
    assert (done.rows_total, done.counts["crm.usageevent"]) == (3, 3)


def test_a_very_large_month_is_digested_in_spans_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "LEAF_ROWS", 2)
    owner = builders.account()
    # May of three rows is cut in its middle, the 16th at noon; April is small, and goes by the same statement.
    middle = datetime(2024, 5, 16, 12, tzinfo=UTC)
    early, late, last, april = (
        builders.event(owner, at).pk
        for at in (middle - timedelta(microseconds=1), middle, middle + DAY, middle - 30 * DAY)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_usageevent")
    done = run()
    assert list(done.batches.order_by("number").values_list("label", "rows", "digest")) == [
        ("crm.usageevent crm_usageevent_y2024m04", 1, digests.of_keys([april])),
        ("crm.usageevent crm_usageevent_y2024m05 1/2", 1, digests.of_keys([early])),
        ("crm.usageevent crm_usageevent_y2024m05 2/2", 2, digests.of_keys([late, last])),
    ]
    # One of which all is on hold ends nothing, and is no leaf at all.
    builders.hold(holds.account(owner.pk))
    for _each in range(3):
        builders.event(owner, BOUNDARY + DAY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_usageevent")
    kept = run(NOW + 40 * DAY)
    assert (kept.counts, kept.batches.count(), kept.digest) == ({"carried": 3, "partitions": 1}, 0, "")


def test_a_gap_between_months_hides_nothing_behind_it() -> None:
    owner = builders.account()
    builders.event(owner, datetime(2022, 1, 15, tzinfo=UTC))
    builders.event(owner, OLD)
    assert run().rows_total == 2
    assert not UsageEvent.objects.exists()


def test_held_and_restricted_rows_are_carried_over_and_stay_in_sight() -> None:
    held, restricted, other = builders.account(), builders.account(restricted_at=NOW), builders.account()
    builders.hold(holds.account(held.pk))
    kept = {builders.event(account, OLD, detail={"query": "x"}).pk for account in (held, restricted)}
    builders.event(other, OLD)
    done = run()
    assert set(HeldUsageEvent.objects.values_list("pk", flat=True)) == kept
    assert (done.counts["carried"], done.rows_total) == (2, 1)
    shelved = HeldUsageEvent.objects.get(account=held)
    assert (shelved.occurred_at, shelved.detail, shelved.kind, shelved.carried_at) == (OLD, {"query": "x"}, "page", NOW)


def test_a_hold_on_one_record_follows_it_to_the_shelf() -> None:
    owner = builders.account()
    held = builders.event(owner, OLD)
    builders.event(owner, OLD + DAY)
    hold = builders.hold(holds.one_record("crm.UsageEvent", held.pk))
    run()
    assert [row.pk for row in HeldUsageEvent.objects.all()] == [held.pk]
    assert services.explain("crm.heldusageevent", held.pk, NOW).matters == ("M-17",)
    holds.release(hold, actor="staff:test", now=NOW)
    run(NOW + 40 * DAY)
    assert not HeldUsageEvent.objects.exists()


def test_shelved_rows_go_when_their_hold_is_released() -> None:
    account = builders.account()
    hold = builders.hold(holds.account(account.pk))
    builders.event(account, OLD)
    run()
    assert run(NOW + timedelta(days=1)).rows_total == 0
    holds.release(hold, actor="staff:test", now=NOW)
    done = run(NOW + timedelta(days=2))
    assert done.counts == {"crm.heldusageevent": 1}
    assert not HeldUsageEvent.objects.exists()


def test_the_numbers_of_a_run_add_up_from_its_plan_to_its_end() -> None:
    """What is over goes or stays; what stays lies aside already, is moved there, or is in the month that is cut."""
    rule, owners = builders.rule("usage"), [builders.account(), builders.account(on_hold=True)]
    builders.shelved(owners[1], OLD)
    cut = rule.cutoff(NOW) - timedelta(hours=1)
    for owner, count in zip(owners, (3, 2), strict=True):
        for number in range(count):
            builders.event(owner, OLD + timedelta(minutes=number))
            builders.event(owner, cut - timedelta(minutes=number))
    (line,) = (each for each in services.plan(NOW) if each.rule == "usage")
    assert (line.rows, line.deferred, line.to_shelf, line.on_shelf) == (6, 5, 2, 1)
    assert (reckoning.over(line.plain()), reckoning.aside(line.plain())) == (
        11,
        "moved aside already: 1, to be moved aside: 2",
    )
    run = services.run_rule(rule, now=NOW, actor="system:test")
    assert run is not None
    found = [(entry.depth, entry.rows) for entry in reckoning.of_run(run)]
    assert found == [(0, 11), (1, 6), (1, 5), (2, 2), (2, 1), (2, 2)]
    # Counted anew after some were moved, what the run moved is not also what lay there before.
    anew = plans.of_run(rule, run.cutoff, exact=True, ended=run.rows_total, moved=run.counts["carried"])
    assert (anew.rows, anew.deferred, anew.to_shelf, anew.on_shelf) == (6, 5, 2, 1)
    run.state, run.rows_total, run.rows_due, run.counts = Run.State.WAITING, 0, 6, {}
    waiting = reckoning.of_run(run)
    assert [(entry.depth, entry.rows) for entry in waiting][:4] == [(0, 11), (1, 0), (1, 6), (1, 5)]
    assert waiting[2].words == "still to be deleted, once two people have approved it"


def test_the_boundary_month_is_cut_exactly_and_keeps_held_rows_in_place() -> None:
    held, other = builders.account(), builders.account()
    builders.hold(holds.account(held.pk))
    stays = builders.event(held, BOUNDARY)
    builders.event(other, BOUNDARY)
    done = run()
    assert list(UsageEvent.objects.all()) == [stays]
    assert not HeldUsageEvent.objects.exists()
    assert (done.rows_total, done.counts) == (1, {"crm.usageevent": 1})


def test_a_large_month_is_cut_in_stretches_up_to_the_microsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "STRETCH_ROWS", 2)
    owner, tick = builders.account(), timedelta(microseconds=1)
    start, cutoff = datetime(2024, 11, 1, tzinfo=UTC), builders.rule("usage").cutoff(NOW)
    over = [builders.event(owner, at) for at in (start, start + tick, BOUNDARY, BOUNDARY + tick, cutoff - tick)]
    stays = [builders.event(owner, at) for at in (cutoff, cutoff + tick)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_usageevent")
    done = run()
    assert set(UsageEvent.objects.all()) == set(stays)
    assert (done.rows_total, done.counts) == (len(over), {"crm.usageevent": len(over)})


def test_a_stretch_that_fails_after_it_was_noted_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = builders.account()
    over = [builders.event(owner, at) for at in (BOUNDARY, BOUNDARY + timedelta(microseconds=1))]
    noted = checkpoint.note

    def refused(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(checkpoint, "note", noted)
        noted(*args, **kwargs)
        raise OperationalError from LockNotAvailable

    monkeypatch.setattr(checkpoint, "note", refused)
    done = run()
    assert not UsageEvent.objects.exists()
    assert (done.rows_total, done.counts) == (len(over), {"crm.usageevent": len(over)})


def test_stretches_leave_no_gap_and_pass_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "STRETCH_ROWS", 1)
    builders.event(builders.account(), BOUNDARY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_usageevent")
    rule = builders.rule("usage")
    spans, watch = [], Watch(NOW)
    for span in purge._stretches(Run(rule=rule, cutoff=rule.cutoff(NOW)), watch):
        spans.append(span)
        watch.traffic.busy = True  # a stretch is a row already, and gets no smaller than that
    assert len(spans) == 2
    assert [since for since, _until in spans[1:]] == [until for _since, until in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (datetime(2024, 11, 1, tzinfo=UTC), rule.cutoff(NOW))


def test_events_without_an_account_row_go_as_well() -> None:
    lost = builders.account()
    key = lost.pk
    lost.delete()
    builders.event(key, OLD)
    builders.event(key, BOUNDARY)
    assert run().rows_total == 2
    assert not UsageEvent.objects.exists()


def test_the_same_id_at_another_instant_is_another_event() -> None:
    held, other = builders.account(), builders.account()
    builders.hold(holds.account(held.pk))
    mine = builders.event(held, BOUNDARY)
    builders.event(other, BOUNDARY + timedelta(seconds=1), id=mine.pk)
    run()
    assert [(event.pk, event.account_id) for event in UsageEvent.objects.all()] == [(mine.pk, held.pk)]


def test_empty_tables_and_no_partitions_at_all_are_nothing_special() -> None:
    with connection.cursor() as cursor:
        for name in names():
            cursor.execute(f'DROP TABLE "{name}"')
    assert run().rows_total == 0
    assert Account.objects.count() == 0


def test_months_of_consent_records_go_too_and_what_a_hold_keeps_stays_a_record() -> None:
    """The table refuses DELETE; whole months are dropped all the same, and the cut-off's month is cut in place."""
    held, other = builders.account(), builders.account()
    builders.hold(holds.account(held.pk))
    rule = builders.rule("consent")
    cutoff, tick = rule.cutoff(NOW), timedelta(microseconds=1)

    def choice(account: Account, at: datetime) -> ConsentEvent:
        partitions.ensure_months(connection, ConsentEvent._meta.db_table, at, at)
        row = ConsentEvent(
            filed_at=at, visitor=uuid7(), account=account.pk, notice="0" * 64, choices={"essential": True},
            asked=["analytics"], action="refuse-all", surface="banner", language="en", decided_at=at, received_at=at,
        )  # fmt: skip
        row.digest = row.computed_digest()
        row.save(force_insert=True)
        return row

    kept = choice(held, cutoff - timedelta(days=90))
    for at in (cutoff - timedelta(days=90), cutoff - tick):
        choice(other, at)
    stays = choice(other, cutoff)
    done = services.run_rule(rule, now=NOW, actor="system:test")
    assert done is not None
    assert (done.state, done.last_error, done.rows_total, done.counts["carried"]) == (Run.State.DONE, "", 2, 1)
    assert list(ConsentEvent.objects.all()) == [stays]
    shelved = HeldConsentEvent.objects.get()
    assert (shelved.pk, shelved.digest, shelved.computed_digest()) == (kept.pk, kept.digest, kept.digest)


@pytest.mark.parametrize("goes", [True, False])
def test_a_month_that_is_read_is_dropped_when_the_reader_has_gone(monkeypatch: pytest.MonkeyPatch, goes: bool) -> None:
    builders.event(builders.account(), OLD)
    monkeypatch.setattr(purge, "INSTANT", "20ms")
    server, name = os.environ["DATABASE_URL"].rpartition("/")[0], connection.settings_dict["NAME"]
    waited: list[float] = []
    with psycopg.connect(f"{server}/{name}") as reader:

        def sleep(_self: Traffic, seconds: float) -> None:
            waited.append(seconds)
            if goes and len(waited) == 2:
                reader.rollback()

        monkeypatch.setattr(Traffic, "sleep", sleep)
        reader.execute(f"SELECT count(*) FROM {TABLE}")  # of the months that others can see
        done = services.run_rule(builders.rule("usage"), now=NOW, actor="system:test")
        assert done is not None
    if goes:
        assert (done.state, waited) == (Run.State.DONE, list(purge.PATIENCE[:2]))
        assert not UsageEvent.objects.exists()
    else:
        assert (done.state, waited) == (Run.State.STOPPED, list(purge.PATIENCE))
        assert UsageEvent.objects.exists()
