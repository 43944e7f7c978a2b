"""Steps: one effect however often they are delivered, and no step lost whatever dies."""

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.db import OperationalError, connection

from crasme.kit.claims import claim
from crasme.ledger.models import Entry
from privacy import tasks
from privacy.errors import PrivacyError
from privacy.models import Request, Step
from privacy.packages import files
from privacy.services import desk, packages, sweeping
from privacy.states import State
from privacy.steps import flow, handlers, library, runner
from privacy.steps.definitions import DEFINITIONS, steps_of
from tests.builders import NOW, confirm_request, make_account, reviewed_request, run_steps, submit_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def step() -> Step:
    return confirm_request(submit_request()).steps.get()


def failing(error: Exception) -> object:
    return mock.patch.object(library, "handler_of", return_value=mock.Mock(side_effect=error))


def test_ten_deliveries_have_one_effect(step: Step) -> None:
    assert [runner.run(step.pk, now=NOW) for _ in range(10)] == [True, *[False] * 9]
    assert Entry.objects.filter(verb="request.located").count() == 1
    assert Step.objects.filter(request=step.request_id).count() == 2


def test_a_step_in_somebody_elses_hands_is_left_alone_until_the_lease_lapses(step: Step) -> None:
    held = claim(Step, step.pk, now=NOW, lease=runner.LEASE)
    assert held is not None
    assert not runner.run(step.pk, now=NOW + timedelta(seconds=1))
    assert runner.run(step.pk, now=NOW + runner.LEASE)
    # The first worker comes back from the dead: what it did is dropped.
    with pytest.raises(Exception, match="lease"):
        runner._end(held, held.request, handlers.Done(), now=NOW + runner.LEASE)
    assert Entry.objects.filter(verb="request.step_done", facts__step=str(step.pk)).count() == 1


def test_a_failure_is_tried_again_later_and_then_parked_for_a_person(step: Step) -> None:
    now = NOW
    with failing(PrivacyError("It names ana@customer.example", code="source-away")):
        for attempt in range(1, runner.MAX_ATTEMPTS + 1):
            assert not runner.run(step.pk, now=now)
            assert not runner.run(step.pk, now=now)  # not before the pause is over
            step.refresh_from_db()
            assert (step.attempts, step.last_error) == (attempt, "source-away")
            now += timedelta(hours=2)
    assert step.state == "parked"
    assert Entry.objects.get(verb="request.step_parked").facts["code"] == "source-away"
    request = step.request
    assert Request.objects.at_risk(request.received_on).filter(pk=request.pk).exists()


@pytest.mark.parametrize("error", [ValueError("ana@customer.example"), OperationalError("gone"), MemoryError()])
def test_whatever_goes_wrong_leaves_a_code_and_no_text(step: Step, error: Exception, caplog: object) -> None:
    with failing(error):
        runner.run(step.pk, now=NOW)
    step.refresh_from_db()
    assert step.last_error == f"error-{type(error).__name__.lower()}"
    assert "ana@" not in caplog.text  # type: ignore[attr-defined]


def test_a_step_that_kills_its_workers_is_parked(step: Step) -> None:
    now = NOW
    for _ in range(runner.MAX_ATTEMPTS):
        assert claim(Step, step.pk, now=now, lease=runner.LEASE) is not None  # and then the worker dies
        now += runner.LEASE + timedelta(seconds=1)
    assert not runner.run(step.pk, now=now)
    step.refresh_from_db()
    assert (step.state, step.last_error) == ("parked", "lease-lapsed")


def test_nothing_of_a_failed_end_remains(step: Step) -> None:
    with mock.patch.object(runner.flow, "following", side_effect=RuntimeError):
        assert not runner.run(step.pk, now=NOW)
    step.refresh_from_db()
    assert (step.state, step.result) == ("due", {})
    assert not Entry.objects.filter(verb="request.located").exists()
    assert runner.run(step.pk, now=NOW + timedelta(minutes=1))


def test_quick_steps_that_follow_are_one_commit_with_the_step_before(step: Step) -> None:
    """One that kills its worker takes everything along and is met alone the next time; one that fails, fails alone."""
    steps = Step.objects.filter(request=step.request_id).order_by("id")
    collecting = "privacy.steps.collect.held"
    with mock.patch(collecting, side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        runner.attempt(step.pk, now=NOW, goes_on=lambda: True)
    assert list(steps.values_list("kind", "state", "attempts")) == [("locate", "leased", 1)]
    assert not Entry.objects.filter(verb="request.located").exists()

    later = NOW + runner.LEASE
    with mock.patch(collecting, side_effect=KeyboardInterrupt):
        ended = runner.attempt(step.pk, now=later, goes_on=lambda: True)
    assert ended is not None
    assert ended.steps == 1
    assert list(steps.values_list("kind", "state", "attempts")) == [("locate", "done", 2), ("collect", "due", 0)]

    other = confirm_request(submit_request("deletion")).steps.get()
    with mock.patch(collecting, side_effect=PrivacyError("away", code="source-away")):
        assert runner.attempt(other.pk, now=NOW, goes_on=lambda: True) is not None
        failing = other.request.steps.get(kind="collect")
        assert (failing.state, failing.attempts) == ("due", 0)
        assert runner.attempt(failing.pk, now=NOW + timedelta(minutes=1), goes_on=lambda: True) is None
    failing.refresh_from_db()
    assert (failing.last_error, failing.attempts) == ("source-away", 1)
    assert Entry.objects.filter(verb="request.located").count() == 2

    slow = confirm_request(submit_request("access", email="di@customer.example")).steps.get()
    with connection.cursor() as cursor, mock.patch.object(runner, "ALONG", "20ms"):
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()
        with mock.patch(collecting, side_effect=lambda _request: cursor.execute("SELECT pg_sleep(5)")):
            ended = runner.attempt(slow.pk, now=NOW, goes_on=lambda: True)
        assert ended is not None
        assert ended.steps == 1
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == before
    kinds = slow.request.steps.order_by("id").values_list("kind", "state", "attempts")
    assert list(kinds) == [("locate", "done", 1), ("collect", "due", 0)]

    third = confirm_request(submit_request("complaint", email="cy@customer.example")).steps.get()
    ended = runner.attempt(third.pk, now=NOW, goes_on=lambda: True)
    assert ended is not None
    assert ended.steps == 2
    with connection.cursor() as cursor:  # what comes later may take its time
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == before
    whole = third.request.steps.order_by("id").values_list("kind", "state", "done_by")
    assert list(whole) == [("locate", "done", runner.ACTOR), ("collect", "done", runner.ACTOR), ("work", "due", "")]
    done = Entry.objects.filter(verb="request.step_done", subject=third.request.ref)
    assert sorted(done.values_list("facts__kind", flat=True)) == ["collect", "locate"]


def test_a_request_taken_back_in_the_meantime_stops_the_work(step: Step) -> None:
    desk.withdraw(step.request, actor="person:x", now=NOW)
    assert not runner.run(step.pk, now=NOW)
    step.refresh_from_db()
    assert step.state == "cancelled"


def test_the_sweep_finds_due_and_lapsed_steps_and_leaves_manual_ones() -> None:
    waiting = reviewed_request(email="bob@customer.example")
    step = confirm_request(submit_request()).steps.get()
    assert waiting.steps.filter(kind="approval", state="due").exists()
    dead = confirm_request(submit_request(email="dead@customer.example")).steps.get()
    claim(Step, dead.pk, now=NOW, lease=runner.LEASE)
    announced: list[tuple[str, str, str]] = []
    with mock.patch("privacy.wake.publish", side_effect=lambda *call: announced.append(call)):
        sweeping.wake_steps(NOW + timedelta(seconds=5))
        assert announced == []  # they were announced when they were committed
        sweeping.wake_steps(NOW + timedelta(minutes=1))
        assert announced == [("privacy.tasks.step", "celery", str(step.pk))]
        sweeping.wake_steps(NOW + timedelta(minutes=10))
    assert ("privacy.tasks.step", "celery", str(dead.pk)) in announced


def test_one_duty_that_fails_does_not_keep_the_others_from_theirs() -> None:
    old = submit_request(now=NOW - timedelta(days=2000))
    with mock.patch.object(sweeping, "wake_steps", side_effect=RuntimeError), pytest.raises(ExceptionGroup):
        tasks.sweep()
    old.refresh_from_db()
    assert (old.state, old.outcome) == (State.CLOSED, "unconfirmed")
    tasks.sweep()


def test_a_crash_between_file_and_row_leaves_no_file_for_ever() -> None:
    with files.writing() as (name, file):
        file.write(b"orphan")
    packages.expire(NOW)
    assert files.path_of(name).exists()  # somebody may be about to refer to it
    packages.expire(datetime.now(UTC) + timedelta(hours=2))
    assert not files.path_of(name).exists()
    with pytest.raises(ZeroDivisionError), files.writing() as (_name, file):
        file.write(b"half" + bytes(1 // 0))
    assert list(files.folder().iterdir()) == []


@pytest.mark.parametrize("kind", Request.Kind.values)
def test_every_kind_has_steps_and_every_step_a_handler(kind: str) -> None:
    request = Request(kind=kind)
    for spec in steps_of(kind):
        if not spec.manual:
            assert library.handler_of(Step(kind=spec.kind), request)
    assert set(DEFINITIONS) == set(Request.Kind.values)


def test_advancing_twice_makes_no_step_twice(step: Step) -> None:
    make_account()
    request = step.request
    for _ in range(3):
        flow.advance(request, now=NOW)
    assert request.steps.count() == 1
    run_steps()
    assert request.steps.count() == 4
