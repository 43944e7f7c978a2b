"""/cookies/ as a browser without scripts sees it."""

import re
import uuid

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from consent import choice, notices
from consent.models import Category, ConsentEvent, Cookie
from tests.consent.conftest import Choose

HERE = {"Origin": "http://testserver"}


def form(**given: object) -> dict[str, object]:
    return {"action": "save", "surface": "preferences", "notice": notices.current("en")["sha256"]} | given


def granted(client: Client) -> set[str]:
    made = choice.parse(client.cookies["crasme_consent"].value)
    assert made is not None
    return {each.slug for each in Category.objects.all() if made.mask & (1 << each.bit)}


def test_the_page_lists_every_declared_cookie(client: Client, db: None) -> None:
    body = client.get("/cookies/").content.decode()
    for cookie in Cookie.objects.all():
        assert cookie.name in body
        assert cookie.lifetime_words in body
    assert "no-store" in client.get("/cookies/")["Cache-Control"]


def test_nothing_is_ticked_before_a_choice(client: Client, db: None) -> None:
    body = client.get("/cookies/").content.decode()
    boxes = re.findall(r'<input type="checkbox"[^>]*>', body)
    assert len(boxes) == 4
    assert [box for box in boxes if "checked" in box] == ['<input type="checkbox" checked disabled>']


def test_a_saved_choice_is_shown_and_recorded(client: Client, db: None) -> None:
    response = client.post("/cookies/", form(category=["analytics"]), headers=HERE)
    assert (response.status_code, response["Location"]) == (303, "/cookies/")
    assert granted(client) == {"essential", "analytics"}
    row = ConsentEvent.objects.get()
    assert (row.surface, row.action, row.choices["performance"]) == ("preferences", "save", False)
    page = client.get("/cookies/")
    body = page.content.decode()
    assert 'value="analytics" checked' in body
    assert 'value="performance">' in body
    assert str(row.id) in body
    assert [str(message) for message in get_messages(page.wsgi_request)] == ["Your choice is saved."]


def test_withdrawing_takes_everything_back_and_removes_the_cookies(client: Client, declare: object) -> None:
    declare("_stats", "analytics")  # type: ignore[operator]
    client.post("/cookies/", form(action="accept-all"), headers=HERE)
    client.cookies["_stats"] = "42"
    client.cookies["crasme_language"] = "en"
    assert b'value="withdraw"' in client.get("/cookies/").content
    response = client.post("/cookies/", form(action="withdraw"), headers=HERE)
    assert granted(client) == {"essential"}
    page = client.get("/cookies/")
    assert "To undo it, tick what you want" in " ".join(str(each) for each in get_messages(page.wsgi_request))
    assert b'value="withdraw"' not in page.content  # there is nothing left to take back
    assert response.cookies["_stats"]["max-age"] == 0
    assert "crasme_language" not in response.cookies
    assert ConsentEvent.objects.count() == 2
    assert len(set(ConsentEvent.objects.values_list("visitor", flat=True))) == 1


def test_the_banners_form_goes_back_to_its_page(client: Client, db: None) -> None:
    headers = HERE | {"Referer": "http://testserver/policy/?x=1"}
    response = client.post("/cookies/", form(action="accept-all", surface="no-js"), headers=headers)
    assert response["Location"] == "/policy/?x=1"
    assert ConsentEvent.objects.get().surface == "no-js"
    # It still stands in another tab, where somebody thinks again.
    client.post("/cookies/", form(action="refuse-all", surface="no-js"), headers=headers)
    assert client.cookies["crasme_consent"].value.startswith("1.1.")


@pytest.mark.parametrize("referer", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_and_never_to_another_site(client: Client, db: None, referer: str) -> None:
    headers = HERE | {"Referer": referer}
    response = client.post("/cookies/", form(action="refuse-all", surface="no-js"), headers=headers)
    assert response["Location"] == "/cookies/"


def test_without_any_origin_the_pages_token_must_tell(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/cookies/", form(action="accept-all")).status_code == 403
    assert not ConsentEvent.objects.exists()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/cookies/").content.decode())
    assert found
    sent = form(action="accept-all", csrfmiddlewaretoken=found.group(1))
    assert client.post("/cookies/", sent).status_code == 303
    assert ConsentEvent.objects.count() == 1


def test_another_sites_form_is_refused_token_or_not(client: Client, db: None) -> None:
    response = client.post("/cookies/", form(action="accept-all"), headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    assert "crasme_consent" not in response.cookies
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    "given", [{"action": "agree"}, {"action": ""}, {"category": ["marketing"]}, {"notice": "0" * 64}]
)
def test_a_form_that_makes_no_sense_changes_nothing(client: Client, db: None, given: dict[str, object]) -> None:
    response = client.post("/cookies/", form(**given), headers=HERE)
    assert response.status_code == 400
    assert "Nothing was changed" in response.content.decode()
    assert not ConsentEvent.objects.exists()


def test_gpc_is_shown_as_honoured_and_nothing_is_recorded(client: Client, db: None) -> None:
    body = client.get("/cookies/", headers={"Sec-GPC": "1"}).content.decode()
    assert "We follow it" in body
    assert body.count("off: your browser") == 2
    assert not ConsentEvent.objects.exists()
    assert "We follow it" not in client.get("/cookies/", headers={"Sec-GPC": "0"}).content.decode()


def test_an_explicit_choice_counts_more_than_the_signal(client: Client, db: None) -> None:
    signal = HERE | {"Sec-GPC": "1"}
    client.post("/cookies/", form(category=["analytics"]), headers=signal)
    body = client.get("/cookies/", headers=signal).content.decode()
    assert "the choice counts" in body
    assert 'value="analytics" checked' in body


def test_a_signal_that_came_later_is_followed(client: Client, choose: Choose) -> None:
    visitor = uuid.uuid4()
    choose(visitor=visitor, action="accept-all")
    client.cookies["crasme_consent"] = f"1.f.1.-.{visitor.hex}"
    body = client.get("/cookies/", headers={"Sec-GPC": "1"}).content.decode()
    assert 'value="analytics">' in body
    assert 'value="functional" checked' in body


def test_pages_are_the_same_for_everybody(client: Client, db: None) -> None:
    """So that they can be cached: the banner's HTML does not depend on the visitor."""
    page = client.get("/policy/")
    assert "Cookie" not in page["Vary"]
    assert not page.cookies
    client.cookies["crasme_consent"] = f"1.f.1.-.{uuid.uuid4().hex}"
    assert client.get("/policy/").content == page.content


def test_only_the_small_style_sheet_depends_on_the_cookie(client: Client, db: None) -> None:
    asked = client.get("/consent/state.css")
    assert (asked.content, "no-store" in asked["Cache-Control"]) == (b"", True)
    client.cookies["crasme_consent"] = f"1.1.1.-.{uuid.uuid4().hex}"
    assert b"display:none" in client.get("/consent/state.css").content
    client.cookies["crasme_consent"] = f"1.1.0.-.{uuid.uuid4().hex}"  # of a notice that asked less
    assert client.get("/consent/state.css").content == b""


def test_the_page_costs_few_queries(
    client: Client, db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/cookies/")
    with django_assert_max_num_queries(8):
        client.get("/cookies/")


def test_gpc_support_is_stated_where_browsers_look(client: Client, db: None) -> None:
    response = client.get("/.well-known/gpc.json")
    assert response["Content-Type"] == "application/json"
    published = notices.shown().since
    assert published is not None
    assert response.json() == {"gpc": True, "lastUpdate": published.date().isoformat()}
