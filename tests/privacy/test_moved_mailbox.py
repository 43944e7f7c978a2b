"""Days pass between finding somebody and acting: an account whose address was corrected meanwhile is not theirs."""

from datetime import timedelta

import pytest

from crasme.crm.models import Account
from crasme.crm.services import corrections
from crasme.staff.models import User
from privacy.services import approvals, plans, subjects
from privacy.services.holdings import held
from privacy.states import State
from tests.builders import NOW, make_account, reviewed_request, run_steps

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


def test_no_copy_goes_to_a_mailbox_that_the_account_has_left(agent: User) -> None:
    account = make_account(email=ADDRESS)
    request = reviewed_request("access", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    corrections.correct(account, actor=agent.ref, now=NOW, email="ana@new.example")
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps(NOW + timedelta(minutes=1))
    request.refresh_from_db()
    assert (request.state, request.round, request.person.account) == (State.REVIEW, 2, None)
    assert not request.packages.exists()


def test_nor_does_its_owner_erase_the_account(agent: User, officer: User) -> None:
    account = make_account(email=ADDRESS)
    request = reviewed_request("deletion", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    corrections.correct(account, actor=agent.ref, now=NOW, email="ana@new.example")
    run_steps(NOW + timedelta(minutes=1))
    request.refresh_from_db()
    assert (request.state, request.round) == (State.REVIEW, 2)
    account.refresh_from_db()
    assert (account.status, account.email) == (Account.Status.ACTIVE, "ana@new.example")


def test_a_later_request_that_finds_nothing_takes_nothing_from_an_earlier_one(agent: User, officer: User) -> None:
    account = make_account(email=ADDRESS)
    first = reviewed_request("deletion", ADDRESS)
    corrections.correct(account, actor=agent.ref, now=NOW, email="ana@new.example")
    second = reviewed_request("access", ADDRESS)  # whoever reads the mailbox now
    first.refresh_from_db()
    assert (first.account, second.account, second.person.account) == (account, None, account)
    assert subjects.about(second).whole.values.get("account") is None
    assert held(second) == []

    corrections.correct(account, actor=agent.ref, now=NOW, email=ADDRESS)  # a mistake, put right
    plan = plans.current(first)
    assert plan is not None
    approvals.go_on_without(first, now=NOW)
    approvals.propose_erasure(first, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(first, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps(NOW + timedelta(minutes=1))
    account.refresh_from_db()
    assert account.status == Account.Status.ERASED
