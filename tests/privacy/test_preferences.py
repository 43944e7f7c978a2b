"""The preference page: two ways in, what can be done there, and what nobody learns from it."""

import re
import smtplib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from consent import suppression
from consent.models import MarketingChoice, Suppression
from crasme.kit.claims import WorkState
from privacy import handoff
from privacy.models import PreferenceLink, SpentHandOff
from privacy.services import preferences
from tests.builders import make_account, run_steps, submit_request

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
PAGE = reverse("preferences")
SENT = reverse("preferences-sent")


def opened(address: str = ADDRESS) -> Client:
    """A browser that has the page open, by the mailed link."""
    client = Client(enforce_csrf_checks=False)
    answer = client.post(PAGE, {"email": address})
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (303, SENT)
    preferences.send_due(timezone.now() + timedelta(minutes=1))
    path = mailed()
    assert b"<form" in client.get(path).content
    assert client.post(path)["Location"] == PAGE
    return client


def mailed() -> str:
    found = re.search(r"http://testserver(/preferences/open/\S+/)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def ticked(client: Client) -> list[str]:
    content = client.get(PAGE).content.decode()
    return re.findall(r'name="wanted" value="([a-z.]+)" checked', content)


def event_of(client: Client) -> str:
    found = re.search(r'name="event" value="([0-9a-f-]{36})"', client.get(PAGE).content.decode())
    assert found
    return found[1]


def test_known_and_unknown_addresses_see_the_same() -> None:
    make_account(email=ADDRESS)
    seen = []
    for address in (ADDRESS, "nobody@elsewhere.example"):
        client = opened(address)
        page = re.sub(r'value="[0-9A-Za-z-]{36,64}"', "", client.get(PAGE).content.decode())
        letter = re.sub(r"open/\S+", "", str(mail.outbox[-1].body))
        seen.append((re.sub(r'nonce="[^"]*"', "", page), letter, mail.outbox[-1].subject))
    assert seen[0] == seen[1]
    assert "customer.example" not in seen[0][0]
    assert "List-Unsubscribe" not in mail.outbox[-1].extra_headers


def test_exactly_what_is_ticked_stands_and_one_click_stops_everything() -> None:
    client = opened()
    assert ticked(client) == ["announcements.email", "announcements.post", "features.email"]
    event = event_of(client)
    form: dict[str, Any] = {"event": event, "action": "save", "wanted": ["features.email", "features.sms"]}
    for _time in range(2):  # the button pressed twice
        assert client.post(PAGE, form).status_code == 303
    assert ticked(client) == form["wanted"]
    choice = MarketingChoice.objects.get()
    assert str(choice.pk) == event
    assert suppression.allowed(ADDRESS, "marketing.features", "sms")
    assert not suppression.allowed(ADDRESS, "marketing.announcements")
    answer = client.post(PAGE, {"event": event_of(client), "action": "stop", "wanted": form["wanted"]}, follow=True)
    assert b"You get no more marketing" in answer.content
    assert ticked(client) == []
    assert not suppression.allowed(ADDRESS)
    for wrong in ({"event": "x"}, {"event": str(uuid.uuid4()), "wanted": ["features.fax"]}):
        assert client.post(PAGE, wrong | {"action": "save"}).status_code == 400
    assert MarketingChoice.objects.count() == 2


def test_no_import_and_no_new_account_revives_a_topic() -> None:
    client = opened()
    client.post(PAGE, {"event": event_of(client), "action": "save", "wanted": ["announcements.email"]})
    make_account(email=ADDRESS).delete()
    make_account(email=ADDRESS.upper())
    assert suppression.allowed(ADDRESS, "marketing.announcements")
    assert not suppression.allowed(ADDRESS, "marketing.features")
    submit_request("opt_out", ADDRESS, now=timezone.now())
    run_steps(timezone.now())
    assert ticked(client) == []


def test_a_link_works_once_for_a_day_and_its_page_for_two_hours() -> None:
    client = opened()
    path, link = mailed(), PreferenceLink.objects.get()
    assert link.token_digest not in path
    assert client.get(path)["Location"] == PAGE  # the same browser finds its page
    for browser in (Client(), Client(headers={"User-Agent": "MailScanner"})):
        assert browser.get(path).status_code == 410
        assert browser.post(path).status_code == 410
        assert b'name="wanted"' not in browser.get(PAGE).content
    PreferenceLink.objects.update(used_at=timezone.now() - timedelta(hours=3))
    assert b'name="wanted"' not in client.get(PAGE).content
    PreferenceLink.objects.update(used_at=None, expires_at=timezone.now())
    assert client.post(path).status_code == 410
    assert Client().get(reverse("preferences-open", args=["A" * 43])).status_code == 410
    assert not Suppression.objects.exists()


def test_the_products_word_opens_it_once_with_a_button(settings: Settings) -> None:
    settings.DEBUG = True
    account, now = make_account(email=ADDRESS), timezone.now()
    way = reverse("preferences-handoff")
    token = handoff.sign(account.pk, key=handoff.local_key(), name=handoff.LOCAL, now=now)
    client = Client()
    first = client.get(way, {"token": token})
    assert token.encode() not in first.content.partition(b"<main")[2]
    assert not SpentHandOff.objects.exists()
    found = re.search(r'name="ticket" value="([^"]+)"', first.content.decode())
    assert found
    assert client.post(way, {"ticket": found[1]})["Location"] == PAGE
    assert client.post(way, {"ticket": found[1]})["Location"] == PAGE  # pressed twice
    assert Client().post(way, {"ticket": found[1]}).status_code == 410
    assert Client().get(way, {"token": token}).status_code == 410
    client.post(PAGE, {"event": event_of(client), "action": "save", "wanted": ["features.sms"]})
    assert MarketingChoice.objects.get().account == account.pk


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar"])
def test_every_language_has_the_page_and_the_mail(language: str) -> None:
    client = Client(headers={"Accept-Language": language})
    client.post(PAGE, {"email": ADDRESS})
    preferences.send_due(timezone.now() + timedelta(minutes=1))
    assert mail.outbox[-1].extra_headers["Content-Language"] == language
    client.post(mailed())
    content = client.get(PAGE).content.decode()
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in content
    with translation.override(language):
        assert translation.gettext("feature updates").lower() in content.lower()


def test_a_mail_server_that_is_away_loses_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise smtplib.SMTPServerDisconnected("no")

    now = timezone.now()
    link = preferences.ask(ADDRESS, language="en", now=now)
    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", away)
        assert not preferences.send(link.pk, now=now)
    link.refresh_from_db()
    assert (link.state, link.last_error) == (WorkState.DUE, "smtp-smtpserverdisconnected")
    assert preferences.send_due(now + timedelta(minutes=10)) == 1
    late = preferences.ask(ADDRESS, language="en", now=now)
    assert not preferences.send(late.pk, now=now + timedelta(days=1))
    late.refresh_from_db()
    assert late.state == WorkState.CANCELLED
