"""An address that stands in somebody else's row: the person gets, and an erasure empties, that one column only."""

import io
import json
import zipfile
from datetime import date, timedelta

import pytest

from crasme.crm.models import BillingProfile, Invoice
from crasme.staff.models import User
from privacy.services import approvals, packages, plans
from privacy.states import Outcome, State
from retention import holds
from tests.builders import (
    NOW,
    make_account,
    make_billing_profile,
    make_invoice,
    make_user,
    reviewed_request,
    run_steps,
)
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


@pytest.fixture
def others() -> BillingProfile:
    """A colleague's account whose bills go to Ana."""
    colleague = make_account(email="boss@customer.example", full_name="Berta Boss")
    make_invoice(colleague, issued_on=date(2026, 3, 1), billed_email=ADDRESS, billed_name="Berta Boss")
    return make_billing_profile(
        colleague, billing_email=ADDRESS, billing_name="Berta Boss", billing_address="Secret lane 1", tax_number="ATU1"
    )


def test_a_copy_shows_the_mention_and_nothing_of_the_other_person(agent: User, others: BillingProfile) -> None:
    make_account(email=ADDRESS)
    request = reviewed_request("access", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    assert plan.content["tables"]["crm.BillingProfile+mentions"] == 1
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps()
    with zipfile.ZipFile(io.BytesIO(b"".join(packages.contents(request.packages.get())))) as archive:
        whole = "".join(archive.read(name).decode() for name in archive.namelist())
        mention = json.loads(archive.read("data/crm-billingprofile-mentions.json"))
    assert mention == [{"billing_email": ADDRESS}]
    assert "Berta" not in whole
    assert "Secret lane" not in whole
    assert str(others.pk) not in whole


def test_an_erasure_empties_the_mention_and_leaves_the_row(agent: User, officer: User, others: BillingProfile) -> None:
    make_account(email=ADDRESS)
    request = reviewed_request("deletion", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    others.refresh_from_db()
    assert (others.billing_email, others.billing_name, others.tax_number) == ("", "Berta Boss", "ATU1")
    invoice = Invoice.objects.get()
    assert (invoice.billed_email, invoice.billed_name) == ("", "Berta Boss")


def test_nobody_is_told_what_legal_holds_cover(agent: User, officer: User) -> None:
    account = make_account(email=ADDRESS)
    hold = holds.place(
        matter="M-99",
        reason="Secret proceedings",
        owner=make_user(),
        review_on=NOW.date() + timedelta(days=30),
        items=[holds.account(account.pk)],
        actor="system:test",
        now=NOW,
    )
    holds.release(hold, actor="system:test", now=NOW)
    request = reviewed_request("access", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    assert not [label for label in plan.content["tables"] if "Hold" in label]

    deletion = reviewed_request("deletion", ADDRESS, now=NOW + timedelta(hours=1))
    plan = plans.current(deletion)
    assert plan is not None
    assert [line["table"] for line in plan.content["kept"]].count("retention.HoldItem") == 1  # staff can read it there
    assert not [line for line in plans.kept_of(plan) if "hold" in line.title.lower()]
    approvals.go_on_without(deletion, now=NOW + timedelta(hours=2))
    approvals.propose_erasure(deletion, plan_hash=plan.hash, by=agent, now=NOW + timedelta(hours=2))
    approvals.approve_erasure(deletion, plan_hash=plan.hash, by=officer, now=NOW + timedelta(hours=2))
    run_steps(NOW + timedelta(hours=2))
    letters = deliver(NOW + timedelta(hours=3))
    assert letters
    assert not [letter for letter in letters if "hold" in letter.as_string().lower()]
