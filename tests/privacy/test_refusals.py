"""Refusals in the words of each kind, with the authority of each law; complaints, which the desk does not answer."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER
from privacy.admin.buttons import fitting
from privacy.clock.regimes import Regime
from privacy.errors import NotYours
from privacy.kinds import REFUSABLE
from privacy.models import Message, Request
from privacy.refusals import GENERAL, OF_KIND, authority_of, refusal_of
from privacy.services import desk, verification
from privacy.states import Outcome, State
from tests.builders import NOW, confirm_request, make_user, run_steps, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


def reviewed(kind: str, regime: str = "uk", **fields: object) -> Request:
    request = confirm_request(submit_request(kind, ADDRESS, regime=regime, **fields))
    run_steps()
    request.refresh_from_db()
    return request


def text_of(request: Request, template: str) -> str:
    deliver(NOW + timedelta(minutes=1))
    return " ".join(str(request.messages.get(template=template).body).split())


def test_every_refusal_that_is_possible_has_words_and_every_law_an_authority() -> None:
    for kind in Request.Kind.values:
        for reason in REFUSABLE[kind]:
            found = refusal_of(kind, reason)
            assert found is not None
            assert str(found.reason).endswith(".")
            assert str(found.remedy).endswith(".")
        assert any((kind, reason) in OF_KIND for reason in REFUSABLE[kind]), kind
    assert {(kind, reason) for kind, reason in OF_KIND if reason not in REFUSABLE[kind]} == set()
    assert set(GENERAL) == set(Request.Refusal.values)
    assert len({str(authority_of(regime)) for regime in Regime.values}) == len(Regime.values)
    assert refusal_of("access", "") is None


@pytest.mark.parametrize(
    ("kind", "reason", "words", "regime", "authority"),
    [
        ("access", "others", "cannot be separated from yours", "uk", "Information Commissioner"),
        ("objection", "not_covered", "rests on a contract with you", "us-ca", "California Privacy Protection Agency"),
        ("restriction", "excessive", "nothing has changed since", "eu", "edpb.europa.eu"),
    ],
)
def test_a_refusal_says_why_in_the_words_of_its_kind_and_who_else_hears_it(
    client: Client, officer: User, kind: str, reason: str, words: str, regime: str, authority: str
) -> None:
    request = reviewed(kind, regime, facts={"purpose": "improvement"} if kind == "objection" else {})
    desk.refuse(request, reason=reason, words="We are sorry.", by=officer, now=NOW)
    run_steps()
    letter = text_of(request, "refused")
    client.post(reverse("request-confirm", args=[verification.issue(request, now=timezone.now()).token]))
    page = client.get(reverse("request-status", args=[request.reference])).content.decode()
    for said in (letter, page.replace("&#x27;", "'")):
        assert words in said
        assert authority in said
    assert "We are sorry." in letter


# --- complaints ------------------------------------------------------------------------------------------------------
def test_a_complaint_is_confirmed_at_once_and_goes_past_the_desk_to_an_officer(agent: User) -> None:
    busy, free = make_user(PRIVACY_OFFICER), make_user(PRIVACY_OFFICER)
    submit_request("access", "other@customer.example")
    Request.objects.update(assignee=busy)
    request = reviewed("complaint", details="Nobody answered me.")
    assert request.state == State.REVIEW
    assert request.assignee == free
    received = text_of(request, "complaint-received")
    assert "privacy officer" in received
    assert "You need not wait for our answer. You may complain to the Information Commissioner" in received
    assert not Message.objects.filter(template="started", request=request).exists()

    assert "answer" not in fitting(request, agent)
    assert "answer" in fitting(request, free)
    with pytest.raises(NotYours):
        desk.answer(request, outcome="granted", words="It is fine.", by=agent, now=NOW)
    with pytest.raises(NotYours):
        desk.assign(request, to=agent, by=agent, now=NOW)
    desk.answer(request, outcome="granted", words="We found the letter and answer it now.", by=free, now=NOW)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    assert "We found the letter" in text_of(request, "answered")


def test_a_complaint_that_no_officer_can_take_waits_for_one(agent: User) -> None:
    request = reviewed("complaint")
    assert request.assignee is None
    assert reviewed("access").assignee is None
