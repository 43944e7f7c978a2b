"""What came by telephone or post: the clock from its arrival, and nothing sent to an address that the caller gave."""

import re
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.kit.clock import controller_day
from crasme.ledger.models import Entry
from crasme.staff.models import AccessEntry, User
from crasme.staff.roles import AUDITOR
from privacy.errors import Incomplete, NotYours
from privacy.models import Request
from privacy.services import entering, sweeping
from privacy.services.entering import Entered, Identity
from privacy.states import State
from tests.builders import NOW, make_account, make_user, run_steps, sign_in, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
TODAY = controller_day(NOW)
ADDRESS = "ana@customer.example"


def entered(agent: User, **fields: Any) -> list[Request]:
    told = Entered(**{"kinds": ["access"], "channel": "post", "received_on": TODAY, "email": ADDRESS} | fields)
    return entering.enter(told, by=agent, now=NOW)


def test_the_clock_runs_from_the_day_on_which_the_letter_arrived(agent: User) -> None:
    ago = TODAY - timedelta(days=20)
    lead, second = entered(agent, kinds=["access", "complaint", "access"], received_on=ago, regime="eu")
    assert (lead.received_on, lead.promise_due) == (ago, ago + timedelta(days=30))
    assert (controller_day(lead.received_at), lead.clock_events.get().on) == (ago, ago)
    assert (lead.channel, lead.entered_by, second.lead) == ("post", agent, lead)
    assert lead.messages.get().template == "confirm"
    entry = Entry.objects.filter(verb="request.entered").first()
    assert entry is not None
    assert (entry.actor, entry.facts) == (agent.ref, {"channel": "post", "identity": "mail"})
    # It has its own fourteen days to be confirmed, although it arrived long ago.
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=13)) == 0
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=15)) == 2


@pytest.mark.parametrize(("identity", "channel"), [(Identity.CALLED_BACK, "phone"), (Identity.LETTER, "post")])
def test_whoever_was_called_back_is_told_at_the_address_on_file(agent: User, identity: str, channel: str) -> None:
    account = make_account(email=ADDRESS)
    (request,) = entered(agent, account=account.pk, email="thief@elsewhere.example", identity=identity, channel=channel)
    assert (request.state, request.person.email) == (State.CONFIRMED, ADDRESS)
    deliver(NOW)
    assert [(sent.to, "We have begun" in sent.subject) for sent in mail.outbox] == [([ADDRESS], True)]
    assert Entry.objects.get(verb="request.confirmed").facts == {"by": identity}
    run_steps()
    request.refresh_from_db()
    assert request.state == State.REVIEW


def test_identity_is_shown_by_what_is_on_file_and_by_nothing_else(agent: User) -> None:
    make_account(email="bare@customer.example", phone="", business_address="")
    for email in ("stranger@elsewhere.example", "bare@customer.example"):
        for identity in (Identity.CALLED_BACK, Identity.LETTER):
            with pytest.raises(Incomplete, match="Nothing is on file"):
                entered(agent, email=email, identity=identity)
    assert not Request.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"received_on": TODAY + timedelta(days=1)},
        {"received_on": TODAY - timedelta(days=91)},
        {"kinds": []},
        {"channel": "web"},
        {"email": ""},
        {"account": "01900000-0000-7000-8000-000000000000"},
        {"identity": "passport"},
    ],
)
def test_what_is_missing_or_impossible_is_said(agent: User, wrong: dict[str, Any]) -> None:
    with pytest.raises(Incomplete):
        entered(agent, **wrong)
    assert not Request.objects.exists()


def test_nobody_enters_without_the_right_or_with_a_card_number(agent: User) -> None:
    with pytest.raises(NotYours):
        entered(make_user(AUDITOR))
    with pytest.raises(ValidationError):
        entered(agent, details="4111 1111 1111 1111")
    assert not Request.objects.exists()


def test_a_letter_that_arrived_before_an_open_request_is_the_first_of_the_two(agent: User) -> None:
    make_account(email=ADDRESS)
    web = submit_request("access", ADDRESS, now=NOW)
    (letter,) = entered(agent, received_on=TODAY - timedelta(days=5), identity=Identity.CALLED_BACK)
    web.refresh_from_db()
    assert (letter.state, web.state) == (State.CONFIRMED, State.RECEIVED)
    (again,) = entered(agent, identity=Identity.CALLED_BACK)
    assert (again.state, again.duplicate_of) == (State.CLOSED, letter)


def test_an_agent_enters_from_the_list(client: Client, agent: User) -> None:
    account = make_account(email=ADDRESS, full_name="Ana Nováková")
    sign_in(client, agent)
    page = reverse("admin:privacy_request_enter_request")
    assert page in client.get(reverse("admin:privacy_request_changelist")).content.decode()
    assert client.get(page).status_code == 200
    looked = client.post(page, {"find": "nováko", "look": "1"}).content.decode()
    assert str(account.pk) in looked
    assert ADDRESS not in looked
    assert "This field is required" not in looked
    make_account(email="ana.nova@customer.example", full_name="Ana Nováková-Dvořák")
    chosen = re.compile(r'name="account" value="([^"]*)"[^>]*\schecked[\s>=]')
    for words, picked in (("nováko", None), ("ana nováková", account), (ADDRESS, account)):  # the whole, not a part
        html = client.post(page, {"find": words, "look": "1"}).content.decode()
        assert (str(account.pk) in chosen.findall(html)) == (picked is not None), words
    html = client.post(page, {"find": ADDRESS, "look": "1", "account": str(uuid4())}).content.decode()
    assert str(account.pk) in chosen.findall(html)  # instead of what an earlier search had found
    assert AccessEntry.objects.filter(table="crm.account", action="search", rows=1).exists()
    today: date = controller_day(timezone.now())
    filled = {
        "find": "nováko", "account": str(account.pk), "kinds": ["access", "complaint"], "channel": "phone",
        "received_on": str(today), "identity": "phone", "language": "de", "regime": "eu", "details": "Bitte alles.",
    }  # fmt: skip
    late = client.post(page, filled | {"received_on": str(today + timedelta(days=2))})
    assert "lies in the future" in late.content.decode()
    assert not Request.objects.exists()
    answer = client.post(page, filled)
    lead = Request.objects.get(kind="access")
    assert answer["Location"] == reverse("admin:privacy_request_change", args=[lead.pk])
    assert (lead.state, lead.language, lead.details) == (State.CONFIRMED, "de", "Bitte alles.")
    assert "entered by Kim" in client.get(answer["Location"]).content.decode()
    # What nobody said is as on file for whoever was chosen; of a stranger nothing is on file.
    other = make_account(email="luc@customer.example", full_name="Luc Dubois", language="fr")
    other.organisation.country = "GB"
    other.organisation.save()
    silent = filled | {"find": "luc", "account": str(other.pk), "identity": "mail", "language": "", "regime": ""}
    client.post(page, silent | {"kinds": ["access"]})
    luc = Request.objects.get(person__email="luc@customer.example")
    assert (luc.language, luc.regime) == ("fr", "uk")
    html = client.get(reverse("admin:privacy_request_change", args=[luc.pk])).content.decode()
    assert (reverse("admin:crm_account_change", args=[other.pk]) in html, luc.account) == (True, None)
    assert "<dd>not looked for yet</dd>" not in html
    stranger = silent | {"find": "", "account": "", "email": "new@stranger.example"}
    html = client.post(page, stranger).content.decode()
    assert html.count("Without an account, choose the language") == 1
    assert "Find the account, or give" not in html
    assert not Request.objects.filter(person__email="new@stranger.example").exists()
    errors = client.post(page, stranger | {"email": ""}).context["form"].errors
    assert errors.keys() == {"find", "email", "language"}
    assert errors["find"] == errors["email"] == [entering.NOBODY]
    assert client.post(page, stranger | {"email": "new@"}).context["form"].errors.keys() == {"email", "language"}
    client.post(page, stranger | {"language": "de", "kinds": ["access"]})
    asked = Request.objects.get(person__email="new@stranger.example")
    html = client.get(reverse("admin:privacy_request_change", args=[asked.pk])).content.decode()
    assert "<dd>not looked for yet</dd>" in html
    sign_in(client, make_user(AUDITOR))
    assert client.post(page, filled).status_code == 403
