"""The buttons that a request offers, as it stands."""

import pytest

from crasme.staff.models import User
from privacy.admin.buttons import fitting
from privacy.services import approvals, plans
from privacy.states import State
from tests.builders import NOW, make_account, reviewed_request

pytestmark = pytest.mark.django_db


def test_what_is_approved_offers_no_refusal(agent: User, officer: User) -> None:
    make_account(email="ana@customer.example")
    request = reviewed_request("access", "ana@customer.example")
    assert "refuse" in fitting(request, officer)
    plan = plans.current(request)
    assert plan is not None
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
    request.refresh_from_db()
    assert request.state == State.APPROVED
    assert fitting(request, officer).isdisjoint({"refuse", "release", "look_again"})
