"""One worker holds a row, and only while its lease runs: on real PostgreSQL, with real threads."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from crasme.kit import claims
from crasme.kit.claims import (
    LeaseLost,
    NotParked,
    WorkState,
    cancel,
    claim,
    extend,
    finish,
    park_exhausted,
    pause_after,
    redrive,
    retry_or_park,
)
from tests.kit.models import Job

pytestmark = [pytest.mark.usefixtures("kit_tables"), pytest.mark.django_db]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = timedelta(minutes=5)


def job(**fields: object) -> Job:
    return Job.objects.create(**{"next_attempt_at": NOW, **fields})


def taken(at: datetime = NOW, **fields: object) -> Job:
    claimed = claim(Job, job(**fields).pk, now=at, lease=LEASE)
    assert claimed is not None
    return claimed


def test_a_due_row_is_taken_once() -> None:
    waiting = job()
    mine = claim(Job, waiting.pk, now=NOW, lease=LEASE)
    assert mine is not None
    assert (mine.pk, mine.state, mine.attempts, mine.lease_until) == (waiting.pk, "leased", 1, NOW + LEASE)
    assert isinstance(mine.lease_token, uuid.UUID)
    assert claim(Job, waiting.pk, now=NOW, lease=LEASE) is None
    mine.refresh_from_db()
    assert mine.state == WorkState.LEASED


def test_nothing_is_taken_before_its_time_or_that_does_not_exist() -> None:
    later = job(next_attempt_at=NOW + timedelta(microseconds=1))
    assert claim(Job, later.pk, now=NOW, lease=LEASE) is None
    assert claim(Job, uuid.uuid4(), now=NOW, lease=LEASE) is None


def test_a_row_of_another_sort_is_not_taken() -> None:
    waiting = job(note="mine")
    assert claim(Job, waiting.pk, now=NOW, lease=LEASE, note="theirs") is None
    assert claim(Job, waiting.pk, now=NOW, lease=LEASE, note="mine") is not None


@pytest.mark.parametrize("state", [WorkState.DONE, WorkState.PARKED, WorkState.CANCELLED])
def test_what_is_over_or_parked_is_not_taken(state: WorkState) -> None:
    over = None if state == WorkState.PARKED else NOW
    assert claim(Job, job(state=state, finished_at=over).pk, now=NOW, lease=LEASE) is None


def test_a_lapsed_lease_is_taken_over_and_the_late_one_is_refused() -> None:
    late = taken()
    after = NOW + LEASE
    assert claim(Job, late.pk, now=after - timedelta(microseconds=1), lease=LEASE) is None
    second = claim(Job, late.pk, now=after, lease=LEASE)
    assert second is not None
    assert second.attempts == 2
    for act in (
        lambda: finish(late, now=after),
        lambda: retry_or_park(late, "timeout", now=after, max_attempts=5),
        lambda: extend(late, now=after, lease=LEASE),
    ):
        with pytest.raises(LeaseLost):
            act()
    finish(second, now=after + timedelta(seconds=1))
    assert Job.objects.get().state == WorkState.DONE


def test_a_lapsed_lease_is_refused_even_when_nobody_took_over() -> None:
    late = taken()
    with pytest.raises(LeaseLost):
        finish(late, now=NOW + LEASE)
    assert Job.objects.get().state == WorkState.LEASED


def test_a_lost_lease_takes_the_work_with_it() -> None:
    late = taken()

    @transaction.atomic
    def work() -> None:
        job(note="what the work wrote")
        finish(late, now=NOW + LEASE)

    with pytest.raises(LeaseLost):
        work()
    assert list(Job.objects.all()) == [late]


def test_finishing_writes_results_in_the_same_statement() -> None:
    mine = taken(last_error="timeout")
    with mock.patch.object(claims, "executed", wraps=claims.executed) as executed:
        finish(mine, now=NOW + timedelta(seconds=9), note="12 rows")
    assert executed.call_count == 1
    stored = Job.objects.get()
    assert (stored.state, stored.finished_at, stored.note) == ("done", NOW + timedelta(seconds=9), "12 rows")
    assert (stored.lease_token, stored.lease_until, stored.last_error) == (None, None, "")
    assert (mine.state, mine.note, mine.lease_token) == ("done", "12 rows", None)
    with pytest.raises(LeaseLost):
        finish(mine, now=NOW)


def test_a_row_that_nobody_holds_cannot_be_finished() -> None:
    with pytest.raises(LeaseLost):
        finish(job(), now=NOW)


def test_long_work_extends_its_lease() -> None:
    mine = taken()
    extend(mine, now=NOW + timedelta(minutes=4), lease=LEASE)
    assert claim(Job, mine.pk, now=NOW + timedelta(minutes=6), lease=LEASE) is None
    finish(mine, now=NOW + timedelta(minutes=8))


def test_a_failure_is_tried_again_later_and_at_last_parked() -> None:
    at, pk, pauses = NOW, job().pk, []
    for attempt in range(1, 4):
        mine = claim(Job, pk, now=at, lease=LEASE)
        assert mine is not None
        assert mine.attempts == attempt
        retry_or_park(mine, "smtp-refused", now=at, max_attempts=3)
        pauses.append(mine.next_attempt_at - at)
        at = mine.next_attempt_at
    stored = Job.objects.get()
    assert pauses[:2] == [timedelta(seconds=30), timedelta(seconds=60)]
    assert (stored.state, stored.last_error, stored.attempts) == ("parked", "smtp-refused", 3)
    assert claim(Job, pk, now=at + timedelta(days=9), lease=LEASE) is None
    assert list(Job.objects.parked()) == [stored]


def test_pauses_grow_to_an_hour_and_no_further() -> None:
    pauses = [pause_after(attempts) for attempts in (0, 1, 2, 3, 8, 9, 1000)]
    assert pauses == sorted(pauses)
    assert (pauses[1], pauses[-1]) == (timedelta(seconds=30), timedelta(hours=1))


def test_parked_work_is_driven_again_with_all_its_attempts() -> None:
    parked = job(state=WorkState.PARKED, attempts=5, last_error="timeout")
    redrive(parked, now=NOW)
    mine = claim(Job, parked.pk, now=NOW, lease=LEASE)
    assert mine is not None
    assert mine.attempts == 1
    with pytest.raises(NotParked):
        redrive(parked, now=NOW)


def test_what_kills_its_workers_is_parked_too() -> None:
    killer = taken(attempts=2)
    healthy = taken()
    assert park_exhausted(Job, now=NOW, max_attempts=3) == 0
    assert park_exhausted(Job, now=NOW + LEASE, max_attempts=3) == 1
    killer.refresh_from_db()
    healthy.refresh_from_db()
    assert (killer.state, killer.last_error, healthy.state) == ("parked", "lease-lapsed", "leased")


def test_cancelling_takes_the_work_away_from_its_holder() -> None:
    mine = taken()
    assert cancel(Job.objects.get(), now=NOW)
    with pytest.raises(LeaseLost):
        finish(mine, now=NOW)
    assert not cancel(mine, now=NOW)
    assert Job.objects.get().finished_at == NOW


@pytest.mark.parametrize("code", ["", "Ana <ana@example.com>", "a b", "x" * 65, "Timeout"])
def test_an_error_is_a_code_and_never_a_message(code: str) -> None:
    with pytest.raises(ValueError, match="slug"):
        retry_or_park(taken(), code, now=NOW, max_attempts=3)


def test_querysets_say_what_a_sweep_needs() -> None:
    due, leased, lapsed = job(), taken(), taken(at=NOW - LEASE, next_attempt_at=NOW - LEASE)
    later, done = job(next_attempt_at=NOW + LEASE), job(state=WorkState.DONE, finished_at=NOW)
    assert list(Job.objects.due(NOW)) == [due]
    assert list(Job.objects.lapsed(NOW)) == [lapsed]
    assert set(Job.objects.claimable(NOW)) == {due, lapsed}
    assert set(Job.objects.unfinished()) == {due, leased, lapsed, later}
    assert done not in Job.objects.unfinished()


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": WorkState.LEASED},
        {"state": WorkState.LEASED, "lease_token": uuid.uuid4()},
        {"lease_token": uuid.uuid4(), "lease_until": NOW},
        {"lease_until": NOW},
        {"state": WorkState.DONE},
        {"finished_at": NOW},
    ],
)
def test_the_database_refuses_half_a_lease_and_half_an_end(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="Work"):
        Job(next_attempt_at=NOW, **wrong).full_clean()
    with pytest.raises(IntegrityError):
        job(**wrong)


def test_attempts_are_never_negative() -> None:
    with pytest.raises(IntegrityError):
        job(attempts=-1)


@pytest.mark.django_db(transaction=True)
def test_of_eight_claimers_one_wins_every_time() -> None:
    """Each round all threads start together on the same row, each with a connection of its own."""
    rounds, claimers = 5, 8
    start = threading.Barrier(claimers)
    rows = [job().pk for _ in range(rounds)]

    def work(_claimer: int) -> list[bool]:
        try:
            won = []
            for pk in rows:
                start.wait(timeout=20)
                won.append(claim(Job, pk, now=NOW, lease=LEASE) is not None)
            return won
        finally:
            connection.close()

    try:
        with ThreadPoolExecutor(claimers) as pool:
            outcomes = list(pool.map(work, range(claimers)))
        assert [sum(column) for column in zip(*outcomes, strict=True)] == [1] * rounds
        assert set(Job.objects.values_list("attempts", flat=True)) == {1}
    finally:
        Job.objects.all()._raw_delete(using="default")  # the table of Job's dependants is not made here
