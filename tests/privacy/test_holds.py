"""Legal holds and people who want to be erased: answered, erased when the hold ends, never half-forgotten."""

from datetime import timedelta

import pytest

from crasme.crm.models import Account, Device
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.models import Request
from privacy.services import approvals, plans, sweeping
from privacy.states import Outcome, State
from retention import holds
from retention.models import Hold
from retention.services import run_due
from tests.builders import NOW, TODAY, confirm_request, make_account, make_device, run_steps, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


def hold_on(*items: holds.Held, owner: User) -> Hold:
    review = TODAY + timedelta(days=30)
    return holds.place(
        matter="M-17", reason="Litigation", owner=owner, review_on=review, items=items, actor=owner.ref, now=NOW
    )


def erased(agent: User, officer: User) -> Request:
    request = confirm_request(submit_request("deletion", ADDRESS))
    run_steps()
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps()
    request.refresh_from_db()
    return request


def test_a_held_account_is_answered_now_and_erased_when_the_hold_has_ended(agent: User, officer: User) -> None:
    account = make_account(email=ADDRESS)
    make_device(account)
    hold = hold_on(holds.account(account.pk), owner=officer)

    request = erased(agent, officer)
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.PARTLY)
    assert "A legal hold lies on it." in str(deliver(NOW + timedelta(minutes=1))[-1])
    account.refresh_from_db()
    assert (account.status, account.email) == (Account.Status.CLOSED, ADDRESS)

    run_due(NOW + timedelta(days=100))
    assert Device.objects.filter(account=account).exists()
    holds.release(hold, actor=officer.ref, now=NOW + timedelta(days=101))
    run_due(NOW + timedelta(days=102))
    account.refresh_from_db()
    assert (account.status, account.email) == (Account.Status.ERASED, "")
    assert not Device.objects.exists()


def test_nobody_is_reported_forgotten_while_a_hold_keeps_the_address(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    request = erased(agent, officer)
    deliver(NOW + timedelta(minutes=5))
    hold = hold_on(holds.one_record("privacy.person", request.person_id), owner=officer)
    assert sweeping.forget_people(NOW + timedelta(minutes=6)) == 0
    request.person.refresh_from_db()
    assert request.person.email == ADDRESS
    assert not Entry.objects.filter(verb="request.person_forgotten").exists()
    holds.release(hold, actor=officer.ref, now=NOW + timedelta(minutes=7))
    assert sweeping.forget_people(NOW + timedelta(minutes=8)) == 1
