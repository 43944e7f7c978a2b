import uuid
from datetime import datetime

import pytest
from django.test import Client

from consent import suppression
from consent.models import Category, ConsentEvent, Cookie, CookieSighting, Notice, Service, Suppression
from crasme.ledger.models import Entry
from crasme.staff.models import AccessEntry
from crasme.staff.roles import AUDITOR, OPERATIONS, PRIVACY_OFFICER
from tests.builders import make_user, sign_in
from tests.consent.conftest import Choose

MODELS = [Category, ConsentEvent, Cookie, CookieSighting, Notice, Service, Suppression]
ADMIN = "/admin/consent"


@pytest.fixture
def officer(client: Client, db: None) -> Client:
    sign_in(client, make_user(PRIVACY_OFFICER))
    return client


def sighting(now: datetime) -> CookieSighting:
    return CookieSighting.objects.create(
        name="_new", route="/x/", reason="undeclared", dropped=True, first_seen_at=now, last_seen_at=now
    )


@pytest.mark.parametrize("role", [AUDITOR, PRIVACY_OFFICER])
def test_every_page_opens_for_who_may_look(client: Client, choose: Choose, now: datetime, role: str) -> None:
    choose()
    sighting(now)
    suppression.suppress("asa@example.com", reason="objected", source="staff", actor="staff:1", now=now)
    sign_in(client, make_user(role))
    for model in MODELS:
        path = f"{ADMIN}/{model._meta.model_name}/"
        assert client.get(path).status_code == 200, path
        row = model._default_manager.first()
        assert row is not None
        assert client.get(f"{path}{row.pk}/change/").status_code == 200, path


def test_who_may_not_look_does_not(client: Client, db: None) -> None:
    sign_in(client, make_user(OPERATIONS))
    for model in MODELS:
        assert client.get(f"{ADMIN}/{model._meta.model_name}/").status_code == 403


def test_evidence_cannot_be_edited_even_by_a_superuser(client: Client, choose: Choose) -> None:
    event, _created = choose()
    sign_in(client, make_user(is_superuser=True))
    notice = Notice.objects.first()
    assert notice is not None
    for path in (f"consentevent/{event.pk}", f"notice/{notice.pk}"):
        assert client.post(f"{ADMIN}/{path}/change/", {"action": "accept-all"}).status_code == 403
        assert client.post(f"{ADMIN}/{path}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{ADMIN}/consentevent/add/").status_code == 403


def test_a_record_is_found_by_reference_visitor_or_account(officer: Client, choose: Choose) -> None:
    account = uuid.uuid4()
    event, _created = choose(account=account)
    choose()
    for term in (event.id, event.visitor.hex, account):
        found = officer.get(f"{ADMIN}/consentevent/", {"q": str(term)}, follow=True).context_data["cl"].result_list  # type: ignore[attr-defined]
        assert [row.pk for row in found] == [event.pk]
    assert not officer.get(f"{ADMIN}/consentevent/", {"q": "anything"}, follow=True).context_data["cl"].result_list  # type: ignore[attr-defined]
    assert AccessEntry.objects.filter(table="consent.consentevent", action="search").count() == 4


def test_declaring_a_cookie_leaves_evidence_and_asks_for_a_new_notice(officer: Client) -> None:
    sent = {
        "name": "_stats*", "kind": "cookie", "category": Category.objects.get(slug="analytics").pk,
        "service": Service.objects.get(slug="site").pk, "lifetime": "P13M", "party": "first", "domain": "",
        "path": "/", "purpose": "Counts visits.", "translations": "{}",
    }  # fmt: skip
    assert officer.post(f"{ADMIN}/cookie/add/", sent).status_code == 302
    cookie = Cookie.objects.get(name="_stats*")
    entry = Entry.objects.get(verb="consent.registry_changed")
    assert (entry.facts["row"], entry.facts["change"]) == (str(cookie.pk), "declared")
    assert entry.actor.startswith("staff:")
    assert "since visitors were last told" in officer.get(f"{ADMIN}/cookie/").content.decode()

    assert officer.get(f"{ADMIN}/notice/add/").status_code == 200
    assert officer.post(f"{ADMIN}/notice/add/", {"anew": ["analytics"]}).status_code == 302
    assert Notice.objects.latest_version() == 2
    assert Notice.objects.filter(version=2, language="en", asks_again=["analytics"]).exists()
    assert "since visitors were last told" not in officer.get(f"{ADMIN}/cookie/").content.decode()

    assert officer.post(f"{ADMIN}/cookie/{cookie.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Cookie.objects.filter(pk=cookie.pk).exists()


def test_a_broken_rule_is_said_at_its_field(officer: Client) -> None:
    sent = {
        "name": "_stats **", "kind": "local", "category": Category.objects.get(slug="analytics").pk,
        "service": Service.objects.get(slug="site").pk, "lifetime": "P13M", "party": "first", "domain": "",
        "path": "/", "purpose": "Counts visits.", "translations": "{}", "http_only": "on",
    }  # fmt: skip
    errors = officer.post(f"{ADMIN}/cookie/add/", sent).context_data["errors"]  # type: ignore[attr-defined]
    form = officer.post(f"{ADMIN}/cookie/add/", sent).context_data["adminform"].form  # type: ignore[attr-defined]
    assert (set(form.errors), bool(errors)) == ({"name", "http_only"}, True)


def test_a_wrong_lifetime_is_explained_in_the_form(officer: Client) -> None:
    cookie = Cookie.objects.get(name="messages")
    response = officer.post(f"{ADMIN}/cookie/{cookie.pk}/change/", {"name": "messages", "lifetime": "a while"})
    assert response.status_code == 200
    assert "not a period" in response.content.decode()


def test_a_category_keeps_its_slug_and_bit(officer: Client) -> None:
    category = Category.objects.get(slug="analytics")
    sent = {"slug": "ads", "bit": 9, "position": 3, "title": "Visits", "purpose": "Counts.", "translations": "{}"}
    officer.post(f"{ADMIN}/category/{category.pk}/change/", sent)
    category.refresh_from_db()
    assert (category.slug, category.bit, category.title) == ("analytics", 2, "Visits")


def test_staff_put_an_address_on_the_list_and_ask_about_it(officer: Client) -> None:
    sent = {"email": "Asa@Example.com", "scope": "marketing", "reason": "objected"}
    assert officer.get(f"{ADMIN}/suppression/add/").status_code == 200
    for words in ("The address is on the list.", "was on the list before"):
        response = officer.post(f"{ADMIN}/suppression/add/", sent, follow=True)
        assert words in response.content.decode()
        assert "asa@example.com" not in response.content.decode().lower()
    row = Suppression.objects.get()
    assert (row.source, row.reason) == ("staff", "objected")
    for term, count in (("asa@example.COM", 1), ("nobody@example.com", 0), (row.address, 0), ("asa", 0)):
        response = officer.get(f"{ADMIN}/suppression/", {"q": term}, follow=True)
        assert len(response.context_data["cl"].result_list) == count, term  # type: ignore[attr-defined]
    assert officer.post(f"{ADMIN}/suppression/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert officer.post(f"{ADMIN}/suppression/add/", {**sent, "email": "nobody"}).status_code == 200
    assert Suppression.objects.count() == 1


def test_a_sighting_leads_to_its_declaration_and_can_be_cleared(officer: Client, now: datetime) -> None:
    row = sighting(now)
    body = officer.get(f"{ADMIN}/cookiesighting/").content.decode()
    assert f"{ADMIN}/cookie/add/?name=_new" in body
    assert 'value="_new"' in officer.get(f"{ADMIN}/cookie/add/?name=_new").content.decode()
    assert officer.post(f"{ADMIN}/cookiesighting/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not CookieSighting.objects.exists()
