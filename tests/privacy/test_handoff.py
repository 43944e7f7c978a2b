"""Signed in over there means no second proof here; anything less than a fresh token of the CRM's means nothing."""

import base64
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crasme.crm.models import Account
from crasme.kit.ids import uuid7
from crasme.ledger.models import Entry
from privacy import handoff, throttle
from privacy.handoff import HandOffRefused
from privacy.models import Message, Request, SpentHandOff
from privacy.services import handoffs
from privacy.services.intake import Submission
from privacy.states import State
from tests.builders import make_account, run_steps, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
PAGE = reverse("request-handoff")
CRM = Ed25519PrivateKey.generate()


@pytest.fixture(autouse=True)
def _crm(settings: Settings) -> None:
    settings.HANDOFF_KEYS = {"crm": CRM.public_key().public_bytes_raw()}


@pytest.fixture
def account() -> Account:
    return make_account(email="ana@customer.example", full_name="Ana Novak")


def token(account: Account, *, key: Any = CRM, name: str = "crm", now: datetime | None = None, **claims: Any) -> str:
    return handoff.sign(account.pk, key=key, name=name, now=now or timezone.now(), **claims)


def ticket_in(page: HttpResponse) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return found.group(1)


def is_gone(page: HttpResponse) -> bool:
    return page.status_code == 410 and "Start again from the product" in page.content.decode()


def test_whoever_is_signed_in_asks_with_one_button_and_is_told_by_mail(client: Client, account: Account) -> None:
    looked = client.get(PAGE, {"token": token(account, kinds=["access"], language="de")})
    assert (looked.status_code, looked["Referrer-Policy"]) == (200, "strict-origin")
    assert "ana@customer.example" not in looked.content.decode()
    assert client.get(PAGE, {"token": token(account)}).status_code == 200
    assert not Request.objects.exists()  # looking changes nothing
    assert not SpentHandOff.objects.exists()
    ticket = ticket_in(looked)
    sent = client.post(PAGE, {"ticket": ticket, "kind": "access", "details": "All of it.", "send": "1"})
    asked = Request.objects.get()
    assert (asked.channel, asked.state, asked.language, asked.details) == (
        "signed_in", State.CONFIRMED, "de", "All of it.",
    )  # fmt: skip
    assert asked.person.email == "ana@customer.example"
    assert sent["Location"] == reverse("request-status", args=[asked.reference])
    assert client.get(sent["Location"]).content.decode().count(asked.reference)  # no mail is needed to see it
    assert Entry.objects.get(verb="request.confirmed").facts["by"] == "signed-in"
    (mail,) = deliver(timezone.now())
    assert mail["To"] == "ana@customer.example"
    assert list(Message.objects.values_list("template", flat=True)) == ["signed-in"]
    run_steps(timezone.now())
    asked.refresh_from_db()
    assert asked.state == State.REVIEW
    assert asked.person.account == account
    assert is_gone(client.post(PAGE, {"ticket": ticket, "kind": "deletion", "send": "1"}))
    assert Request.objects.count() == 1


def test_without_a_kind_it_asks_what_and_then_the_questions_of_each(client: Client, account: Account) -> None:
    opened = client.get(PAGE, {"token": token(account)})
    assert 'value="deletion"' in opened.content.decode()
    ticket = ticket_in(opened)
    nothing = client.post(PAGE, {"ticket": ticket})
    assert (nothing.status_code, "Choose what you would like" in nothing.content.decode()) == (422, True)
    told = client.post(PAGE, {"ticket": ticket, "kind": ["objection", "complaint"]})
    assert "Which use should end?" in told.content.decode()
    wrong = client.post(PAGE, {"ticket": ticket_in(told), "kind": ["objection", "complaint"], "send": "1"})
    assert wrong.status_code == 422
    back = client.post(PAGE, {"ticket": ticket_in(wrong), "kind": "complaint", "choose": "1"})
    assert re.search(r'value="complaint"[^>]*checked', back.content.decode())
    assert not Request.objects.exists()
    answers = {"kind": ["objection", "complaint"], "objection-purpose": "improvement", "details": "Too many mails."}
    assert client.post(PAGE, {"ticket": ticket_in(back), "send": "1", **answers}).status_code == 302
    assert set(Request.objects.values_list("kind", "state")) == {("objection", "confirmed"), ("complaint", "confirmed")}
    # One for both, and the complaint's own.
    assert set(Message.objects.values_list("template", flat=True)) == {"signed-in", "complaint-received"}


def test_a_marketing_opt_out_is_done_at_once(client: Client, account: Account) -> None:
    opened = client.get(PAGE, {"token": token(account, kinds=["opt_out"])})
    assert client.post(PAGE, {"ticket": ticket_in(opened), "kind": "opt_out", "send": "1"}).status_code == 302
    run_steps(timezone.now())
    assert list(Message.objects.values_list("template", flat=True)) == ["opted-out"]


def test_it_proves_what_was_asked_by_the_form_before_and_joins_it(client: Client, account: Account) -> None:
    first = submit_request("access", "ana@customer.example", now=timezone.now() - timedelta(days=2))
    opened = client.get(PAGE, {"token": token(account, kinds=["access"])})
    sent = client.post(PAGE, {"ticket": ticket_in(opened), "kind": "access", "send": "1"})
    first.refresh_from_db()
    assert first.state == State.CONFIRMED
    assert sent["Location"] == reverse("request-status", args=[first.reference])
    assert Message.objects.filter(template="signed-in").count() == 1  # told, although it was joined


def worthless(account: Account) -> Iterator[tuple[str, str]]:
    now = timezone.now()
    good = token(account)
    head, body, signature = good.split(".")
    made = int(now.timestamp())

    def claims(**changes: Any) -> str:
        return token(account, **changes)

    def encoded(part: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    facts = jwt.decode(good, options={"verify_signature": False})
    secret = CRM.public_key().public_bytes_raw()
    yield "nothing", ""
    yield "no token", "a.b.c"
    yield "not ASCII", "ä" * 20
    yield "too long", good + "A" * 2_000
    yield "tampered", f"{head}.{encoded(facts | {'sub': str(uuid7())})}.{signature}"
    yield "cut", good[:-4]
    yield "somebody else's key", token(account, key=Ed25519PrivateKey.generate())
    yield "a key nobody knows", token(account, name="other")
    yield "the local key outside DEBUG", token(account, key=handoff.local_key(), name=handoff.LOCAL)
    yield "no algorithm", f"{encoded({'alg': 'none', 'kid': 'crm'})}.{body}."
    yield "the public key as a secret", jwt.encode(facts, secret, algorithm="HS256", headers={"kid": "crm"})
    yield "for another place", claims(aud="https://elsewhere.example")
    yield "over", token(account, now=now - handoff.LIFETIME - timedelta(seconds=2))
    yield "from the future", token(account, now=now + handoff.SKEW + timedelta(seconds=5))
    yield "too long a life", claims(exp=made + 3_600)
    yield "no end", claims(exp=None)
    yield "an end in words", claims(exp="tomorrow")
    yield "an endless number", claims(iat=made, exp=10**400)
    yield "no id", claims(jti=None)
    yield "no account", claims(sub="ana@customer.example")
    yield "an unknown account", claims(sub=str(uuid7()))


def test_anything_less_than_a_fresh_token_of_the_crm_gets_one_and_the_same_page(
    client: Client, account: Account
) -> None:
    pages = {}
    for what, text in worthless(account):
        page = client.get(PAGE, {"token": text})
        assert is_gone(page), what
        pages[what] = re.sub(r"<input type=.hidden. name=.next.[^>]*>", "", page.content.decode())
    assert len(set(pages.values())) == 1
    assert is_gone(client.get(PAGE))
    assert not SpentHandOff.objects.exists()
    assert client.get(PAGE, {"token": token(account)}).status_code == 200


@pytest.mark.parametrize("text", ["", "x", "a:b:c", "é", "\0"])
def test_a_ticket_is_ours_or_nothing(client: Client, text: str) -> None:
    assert is_gone(client.post(PAGE, {"ticket": text, "kind": "access", "send": "1"}))
    assert not Request.objects.exists()


def test_the_opened_page_may_be_filled_in_for_half_an_hour_and_the_token_is_good_for_one_request(
    client: Client, account: Account
) -> None:
    handed = token(account, kinds=["access"])
    one, two = (ticket_in(client.get(PAGE, {"token": handed})) for _ in range(2))
    wish = {"kind": "access", "send": "1"}
    with time_machine.travel(timezone.now() + handoff.TICKET_LIFETIME + timedelta(seconds=5)):
        assert is_gone(client.post(PAGE, {"ticket": one, **wish}))
    with time_machine.travel(timezone.now() + handoff.TICKET_LIFETIME - timedelta(minutes=1)):
        assert client.post(PAGE, {"ticket": one, **wish}).status_code == 302
        assert is_gone(client.post(PAGE, {"ticket": two, **wish, "details": "More."}))  # opened twice, used once
    assert is_gone(client.get(PAGE, {"token": handed}))
    assert Request.objects.count() == 1


def test_a_second_press_leads_its_own_browser_to_what_the_first_one_made(account: Account) -> None:
    handed = token(account, kinds=["access"])
    browser, other = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    pages = {each: each.get(PAGE, {"token": handed}) for each in (browser, other)}

    def press(which: Client, **changes: str) -> HttpResponse:
        secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', pages[which].content.decode())
        assert secret
        form = {"csrfmiddlewaretoken": secret[1], "ticket": ticket_in(pages[browser]), "kind": "access", "send": "1"}
        return which.post(PAGE, form | changes)

    first = press(browser)
    made = Request.objects.get()
    again = press(browser)
    assert first["Location"] == again["Location"] == reverse("request-status", args=[made.reference])
    assert again.cookies["crasme_request"].value
    assert browser.get(again["Location"]).context["asked"] == made
    # Nobody else, not with other words, and not for long.
    assert is_gone(press(other))
    assert other.get(again["Location"]).context.get("asked") != made
    assert is_gone(press(browser, details="Something else."))
    with time_machine.travel(timezone.now() + handoffs.SECOND_CLICK):
        assert is_gone(press(browser))
    bare = Client()
    assert is_gone(bare.post(PAGE, {"ticket": ticket_in(pages[browser]), "kind": "access", "send": "1"}))
    assert (Request.objects.count(), SpentHandOff.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_pressed_ten_times_at_once_it_asks_once(account: Account) -> None:
    handed = handoff.read(token(account), now=timezone.now())

    def press(_number: int) -> bool:
        try:
            handoffs.ask(handed, [Submission(kind="access", email="")], now=timezone.now())
        except HandOffRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(5) as crowd:
        assert sorted(crowd.map(press, range(10))) == [False] * 9 + [True]
    assert Request.objects.count() == SpentHandOff.objects.count() == 1


def test_what_fails_spends_nothing(client: Client, account: Account) -> None:
    opened = client.get(PAGE, {"token": token(account, kinds=["access"])})
    card = {"kind": "access", "details": "My card 4111 1111 1111 1111", "send": "1"}
    assert client.post(PAGE, {"ticket": ticket_in(opened), **card}).status_code == 422
    now = timezone.now()
    for _ in range(throttle.ASK_ADDRESS.times):
        throttle.ASK_ADDRESS.hit(account.email, now=now)
    late = client.post(PAGE, {"ticket": ticket_in(opened), "kind": "access", "details": "Typed.", "send": "1"})
    assert (late.status_code, "Typed." in late.content.decode()) == (429, True)
    assert not SpentHandOff.objects.exists()


def test_where_no_crm_is_a_command_stands_in_for_it(client: Client, account: Account, settings: Settings) -> None:
    said = StringIO()
    with pytest.raises(CommandError, match="Only the CRM"):
        call_command("requests", "handoff-token", "--account", str(account.pk))
    settings.DEBUG = True
    call_command("requests", "handoff-token", "--account", str(account.pk), "--kind", "access", stdout=said)
    address = said.getvalue().strip()
    assert address.startswith(f"{settings.SITE_URL}{PAGE}?token=")
    assert client.get(address.removeprefix(settings.SITE_URL)).status_code == 200
