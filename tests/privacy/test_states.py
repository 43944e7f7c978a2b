"""Only the listed moves exist, in Python and in the database alike."""

from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from privacy import states
from privacy.errors import MoveNotAllowed
from privacy.models import ClockEvent, Request
from privacy.states import MOVES, Outcome, State, allowed
from tests.builders import NOW, submit_request

ARGUMENTS = {
    "confirm": {"now": NOW},
    "answer": {"outcome": Outcome.GRANTED},
    "refuse": {"reason": Request.Refusal.UNFOUNDED},
    "close": {"now": NOW},
    "withdraw": {"now": NOW},
    "lapse": {"now": NOW},
    "join": {"first": None, "now": NOW},
}


def at(state: State) -> Request:
    """An unsaved request in a state, as if loaded."""
    return Request(kind="access", state=state, received_at=NOW, confirmed_at=NOW)


@pytest.mark.parametrize(("name", "state"), list(product(MOVES, State)))
def test_a_move_runs_from_its_sources_and_from_nowhere_else(name: str, state: State) -> None:
    request, move = at(state), MOVES[name]
    if state in move.sources:
        getattr(request, name)(**ARGUMENTS.get(name, {}))
        assert request.state == move.target
    else:
        with pytest.raises(MoveNotAllowed):
            getattr(request, name)(**ARGUMENTS.get(name, {}))
        assert request.state == state


def test_the_state_cannot_be_set_by_hand() -> None:
    request = at(State.REVIEW)
    with pytest.raises(AttributeError):
        request.state = State.CLOSED


@pytest.mark.django_db
def test_the_database_knows_the_same_table() -> None:
    """Every pair is tried on a real row; the checks on dates are set aside, so that only the trigger speaks."""
    request = submit_request()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'privacy_request'::regclass AND contype = 'c'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE privacy_request DROP CONSTRAINT "{name}"')
        for source, target in product(State.values, State.values):
            cursor.execute("ALTER TABLE privacy_request DISABLE TRIGGER USER")
            cursor.execute("UPDATE privacy_request SET state = %s WHERE id = %s", [source, request.pk])
            cursor.execute("ALTER TABLE privacy_request ENABLE TRIGGER USER")
            try:
                with transaction.atomic():
                    cursor.execute("UPDATE privacy_request SET state = %s WHERE id = %s", [target, request.pk])
                moved = True
            except IntegrityError:
                moved = False
            assert moved == (source == target or (source, target) in allowed()), (source, target)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"closed_at": NOW}, "closed_iff_dated"),
        ({"outcome": "withdrawn"}, "outcome_iff_decided"),
        ({"refusal_reason": "unfounded"}, "refused_iff_reason"),
        ({"confirmed_at": NOW}, "work_needs_proof"),
        ({"effective_due": "2030-01-01"}, "due_is_earliest"),
        ({"received_at": "2030-01-01T00:00Z", "state": "confirmed", "confirmed_at": NOW}, "in_order"),
        ({"state": "confirmed"}, "work_needs_proof"),
    ],
)
def test_the_database_refuses_impossible_rows(changes: dict[str, object], constraint: str) -> None:
    request = submit_request()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Request.objects.filter(pk=request.pk).update(**changes)


@pytest.mark.django_db
def test_what_happened_to_a_clock_cannot_be_changed() -> None:
    request = submit_request()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ClockEvent.objects.filter(request=request).update(on="2020-01-01")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ClockEvent.objects.filter(request=request)._raw_delete("default")


def test_every_state_is_reached_and_every_open_one_left() -> None:
    sources, targets = ({pair[side] for pair in allowed()} for side in (0, 1))
    assert targets == set(State.values) - {State.RECEIVED}
    assert sources == set(State.values)


def test_the_trigger_is_made_from_the_table() -> None:
    sql = states.trigger_sql("privacy_request")
    assert all(f"('{source}', '{target}')" in sql for source, target in allowed())


class Life(RuleBasedStateMachine):
    """Any order of moves, tried or refused, leaves a request that the rules allow."""

    def __init__(self) -> None:
        super().__init__()
        self.request = Request(kind="access", received_at=NOW)

    @rule(name=st.sampled_from(sorted(MOVES)))
    def try_move(self, name: str) -> None:
        before = self.request.state
        try:
            getattr(self.request, name)(**ARGUMENTS.get(name, {}))
        except MoveNotAllowed:
            assert before not in MOVES[name].sources or (name == "reopen" and self.request.confirmed_at is None)
            assert self.request.state == before
        else:
            assert (before, self.request.state) in allowed()

    @invariant()
    def dates_and_outcome_fit_the_state(self) -> None:
        request = self.request
        assert (request.state == State.CLOSED) == (request.closed_at is not None)
        assert bool(request.outcome) == (request.state in (State.ANSWERING, State.CLOSED))
        assert bool(request.refusal_reason) == (request.outcome == Outcome.REFUSED)
        if request.state not in (State.RECEIVED, State.CLOSED):
            assert request.confirmed_at is not None


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=25, suppress_health_check=list(HealthCheck))
