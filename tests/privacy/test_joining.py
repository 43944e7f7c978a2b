"""Duplicates: joined by one click, and never a way to delay, outrank or block somebody's request."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from crasme.ledger.models import Entry
from crasme.staff.models import User
from crasme.staff.roles import AUDITOR
from privacy.errors import MoveNotAllowed, NotYours
from privacy.models import Message, Request
from privacy.services import approvals, desk, entering, joining, plans, sweeping
from privacy.services.entering import Entered
from privacy.states import Outcome, State
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_user,
    reviewed_request,
    run_steps,
    sign_in,
    submit_request,
)

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
DAY = timedelta(days=1)


def standing(*requests: Request) -> list[tuple[str, str]]:
    for request in requests:
        request.refresh_from_db()
    return [(request.state, request.outcome) for request in requests]


def two(agent: User) -> tuple[Request, Request]:
    """A letter that arrived first and was entered last: both are worked on."""
    make_account(email=ADDRESS)
    web = reviewed_request("access", ADDRESS, now=NOW)
    told = Entered(["access"], "post", (NOW - 5 * DAY).date(), email=ADDRESS, identity="phone")
    (letter,) = entering.enter(told, by=agent, now=NOW)
    return letter, web


@pytest.mark.parametrize("from_the_first", [True, False])
def test_the_one_that_was_received_first_goes_on_whichever_page_it_is_joined_from(
    agent: User, from_the_first: bool
) -> None:
    letter, web = two(agent)
    desk.assign(web, to=agent, by=agent, now=NOW)
    due = letter.effective_due
    pair = (letter, web) if from_the_first else (web, letter)
    assert joining.join(*pair, by=agent, now=NOW) == letter
    assert standing(letter, web) == [(State.CONFIRMED, ""), (State.CLOSED, Outcome.DUPLICATE)]
    assert (web.duplicate_of, letter.effective_due, letter.assignee) == (letter, due, agent)
    assert not web.steps.unfinished().exists()
    assert Entry.objects.get(verb="request.joined").actor == agent.ref
    run_steps(NOW)
    assert standing(letter) == [(State.REVIEW, "")]


def test_what_the_later_one_has_proven_holds_for_the_first(agent: User) -> None:
    first = submit_request("objection", ADDRESS, now=NOW - DAY)
    later = submit_request("objection", ADDRESS, now=NOW)
    with pytest.raises(MoveNotAllowed, match="Nobody has confirmed"):
        joining.join(first, later, by=agent, now=NOW)
    assert standing(first, later) == [(State.RECEIVED, "")] * 2
    assert confirm_request(later) == first  # as it is by itself
    again = submit_request("objection", ADDRESS, now=NOW + DAY)
    assert joining.join(again, first, by=agent, now=NOW + DAY) == first
    assert standing(first, again) == [(State.CONFIRMED, ""), (State.CLOSED, Outcome.DUPLICATE)]


def test_only_what_is_the_same_and_still_open_is_joined(agent: User) -> None:
    mine = reviewed_request("objection", ADDRESS)
    for other in (submit_request("correction", ADDRESS), submit_request("objection", "bob@customer.example"), mine):
        with pytest.raises(MoveNotAllowed):
            joining.join(mine, other, by=agent, now=NOW)
    same = submit_request("objection", ADDRESS, now=NOW + DAY)
    with pytest.raises(NotYours):
        joining.join(mine, same, by=make_user(AUDITOR), now=NOW)
    desk.withdraw(same, actor="person:x", now=NOW + DAY)
    with pytest.raises(MoveNotAllowed, match="closed already"):
        joining.join(mine, same, by=agent, now=NOW + DAY)
    assert standing(mine) == [(State.REVIEW, "")]


def test_what_is_being_carried_out_is_not_taken_back_by_joining(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    erasure = reviewed_request("deletion", ADDRESS)
    plan = plans.current(erasure)
    assert plan is not None
    approvals.propose_erasure(erasure, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(erasure, plan_hash=plan.hash, by=officer, now=NOW)
    told = Entered(["deletion"], "post", (NOW - DAY).date(), email=ADDRESS, identity="phone")
    (letter,) = entering.enter(told, by=agent, now=NOW)
    step = erasure.steps.get(kind="execute")
    with_worker = desk.locked(erasure)
    with_worker.execute()
    with_worker.save(update_fields=["state"])
    with pytest.raises(MoveNotAllowed):
        joining.join(letter, erasure, by=agent, now=NOW)
    step.refresh_from_db()
    assert step.state == "due"


def test_strangers_who_type_an_address_neither_block_nor_delay_its_owner(agent: User) -> None:
    """Before, between and after: five unproven requests by people who cannot read the mailbox."""
    make_account(email=ADDRESS)
    before = submit_request("access", ADDRESS, now=NOW - DAY)
    own = submit_request("access", ADDRESS, now=NOW)
    flood = [submit_request("access", ADDRESS, now=NOW + timedelta(minutes=number)) for number in range(3)]
    goes_on = confirm_request(own, now=NOW + timedelta(hours=1))
    assert goes_on == before  # its earlier clock is an advantage, and the proof was the owner's
    assert goes_on.effective_due <= own.effective_due
    flood.append(submit_request("access", ADDRESS, now=NOW + timedelta(hours=2)))
    run_steps(NOW + timedelta(hours=2))
    assert standing(goes_on) == [(State.REVIEW, "")]
    plan = plans.current(goes_on)
    assert plan is not None
    approvals.release(goes_on, plan_hash=plan.hash, by=agent, now=NOW + timedelta(hours=3))
    run_steps(NOW + timedelta(hours=3))
    assert standing(goes_on) == [(State.CLOSED, Outcome.GRANTED)]
    assert Message.objects.filter(request=goes_on, template="package-ready").count() == 1
    assert standing(*flood) == [(State.RECEIVED, "")] * 4
    sweeping.lapse_unconfirmed(NOW + 20 * DAY)
    assert {state for state, _outcome in standing(*flood)} == {State.CLOSED}
    goes_on.person.refresh_from_db()
    assert goes_on.person.email == ADDRESS  # their end is not the owner's


def test_the_desk_offers_to_join_and_hints_at_what_was_answered_lately(client: Client, agent: User) -> None:
    sign_in(client, agent)
    answered = reviewed_request("objection", ADDRESS, now=NOW - 10 * DAY)
    desk.answer(answered, outcome="granted", words="Done.", by=agent, now=NOW - 9 * DAY)
    run_steps(NOW - 9 * DAY)
    lapsed = submit_request("objection", ADDRESS, now=NOW - 40 * DAY)
    sweeping.lapse_unconfirmed(NOW - 20 * DAY)
    first = reviewed_request("objection", ADDRESS, now=NOW)
    page = reverse("admin:privacy_request_change", args=[first.pk])
    act = reverse("admin:privacy_request_join", args=[first.pk])
    shown = client.get(page).content.decode()
    assert act not in shown
    assert answered.reference in shown
    assert lapsed.reference not in shown
    later = submit_request("objection", ADDRESS, now=NOW + DAY)
    assert act in client.get(page).content.decode()
    form = client.get(act).content.decode()
    assert later.reference in form
    assert "It may be excessive" in form
    assert client.post(act, {"other": later.pk}).status_code == 302
    assert standing(first, later) == [(State.REVIEW, ""), (State.CLOSED, Outcome.DUPLICATE)]
