"""Two requests of one person cross: what one makes must not outlive what the other erases."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from crasme.staff.models import User
from privacy.models import Step
from privacy.packages.build import Built, build
from privacy.services import approvals, plans
from privacy.states import State
from privacy.steps import runner
from tests.builders import NOW, reviewed_request, run_steps

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def steps(agent: User, officer: User) -> tuple[Step, Step]:
    """Of one person, who would not wait: the steps that erase and that make a copy. Both are approved and due."""
    deletion, access = reviewed_request("deletion"), reviewed_request("access")
    erasure, release = plans.current(deletion), plans.current(access)
    assert erasure is not None
    assert release is not None
    approvals.go_on_without(deletion, now=NOW)
    approvals.propose_erasure(deletion, plan_hash=erasure.hash, by=agent, now=NOW)
    approvals.approve_erasure(deletion, plan_hash=erasure.hash, by=officer, now=NOW)
    approvals.release(access, plan_hash=release.hash, by=agent, now=NOW)
    return deletion.steps.get(kind=Step.Kind.EXECUTE), access.steps.get(kind=Step.Kind.PACKAGE)


def test_a_copy_written_while_the_person_is_erased_is_never_handed_out(steps: tuple[Step, Step]) -> None:
    erasing, copying = steps

    def crossed(*args: Any, **kwargs: Any) -> Built:
        built = build(*args, **kwargs)
        # It began before the copy and ends while that is being written: its own time says nothing.
        assert runner.run(erasing.pk, now=LATER - timedelta(seconds=30))
        return built

    with mock.patch("privacy.steps.package.build", crossed):
        assert not runner.run(copying.pk, now=LATER)
    request = copying.request
    assert not request.packages.exists()
    run_steps(LATER)
    request.refresh_from_db()
    assert (request.state, request.round) == (State.REVIEW, 2)
    assert not request.packages.exists()


def test_one_that_was_there_before_is_destroyed(steps: tuple[Step, Step]) -> None:
    erasing, copying = steps
    assert runner.run(copying.pk, now=LATER)
    assert runner.run(erasing.pk, now=LATER)
    assert copying.request.packages.get().deleted_at == LATER


def test_one_asked_for_after_the_erasure_stays(steps: tuple[Step, Step]) -> None:
    erasing, copying = steps
    assert runner.run(erasing.pk, now=LATER)
    assert runner.run(copying.pk, now=LATER)
    assert copying.request.packages.get().deleted_at is None
