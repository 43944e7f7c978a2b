"""What is typed into a list's box stands in no address, and a search that has ended takes nothing for everything."""

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from unfold.admin import ModelAdmin

from crasme.crm.models import Organisation
from crasme.staff import searches, tasks
from crasme.staff.admin import searching
from crasme.staff.admin.searching import SearchedList
from crasme.staff.models import Session
from crasme.staff.searches import KEPT, PLACE
from crasme.staff.sessions import SessionStore
from tests.builders import make_account, make_user, sign_in

pytestmark = pytest.mark.django_db
ACCOUNTS = "/admin/crm/account/"
ADDRESS = "unusual.name@customer.example"


@pytest.fixture
def officer(client: Client) -> Client:
    sign_in(client, make_user("Privacy officer"))
    return client


def shown(client: Client, address: str) -> tuple[list[Any], str]:
    answer = client.get(address)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list), answer.content.decode()


def addresses(page: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'(?:href|action|src|hx-\w+)="([^"]*)"', page)]


def exported(client: Client, address: str) -> list[str]:
    fields = {"format": "0", "resource": "0", "accountexport_email": "on"}
    rows = client.post(address.replace(ACCOUNTS, f"{ACCOUNTS}export/"), fields).content.decode("utf-8-sig")
    return [row["email"] for row in csv.DictReader(io.StringIO(rows))]


def test_words_are_posted_kept_for_one_session_and_stand_in_no_address(officer: Client) -> None:
    wanted, _other = make_account(email=ADDRESS), make_account()
    filtered = f"{ACCOUNTS}?status__exact=active&o=5"
    for answer in (officer.post(f"{filtered}&p=3", {"q": f" {ADDRESS}"}), officer.get(f"{filtered}&q={ADDRESS}")):
        found = answer["Location"]
        assert found.startswith(f"{filtered}&search=")
    rows, page = shown(officer, found)
    assert rows == [wanted]
    assert f'value="{ADDRESS}"' in page
    for name in ("unusual", "@customer", "%40customer"):
        assert not [each for each in addresses(page) if name in each]
        assert name not in str(Session.objects.get().get_decoded())
    token = found.partition("search=")[2]
    # Filters, order, rows and export keep it; the box and its cross let it go and keep the rest.
    assert f'name="search" value="{token}"' in page
    kept = [each for each in addresses(page) if token in each]
    assert {"o=", "_changelist_filters", "export/"} <= {
        part for part in ("o=", "_changelist_filters", "export/") for each in kept if part in each
    }
    assert addresses(page).count("?o=5&status__exact=active") == 2
    assert exported(officer, found) == [ADDRESS]
    # Nobody else's session knows the name, and an empty box clears the search.
    sign_in(other := Client(), make_user("Privacy officer"))
    assert shown(other, found)[0] == []
    assert officer.post(found, {"q": " "})["Location"] == filtered


def test_a_search_ends_an_hour_after_it_was_last_used_and_then_finds_nothing(
    officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, _other = make_account(email=ADDRESS), make_account()
    begun = timezone.now()
    found = officer.post(f"{ACCOUNTS}?status__exact=active", {"q": "unusual"})["Location"]
    for minutes, alive in ((55, True), (110, True), (171, False)):
        monkeypatch.setattr(searching.timezone, "now", lambda at=begun + timedelta(minutes=minutes): at)
        assert shown(officer, found)[0] == ([wanted] if alive else []), minutes
    _rows, page = shown(officer, found)
    assert "This search has ended" in page
    assert '<option value="active" selected' in page  # the filter is as it was
    assert exported(officer, found) == []
    # What has ended leaves the session, of whoever never comes back as well.
    assert SessionStore(officer.session.session_key)[PLACE]
    assert (tasks.forget_searches(), tasks.forget_searches()) == (1, 0)
    assert SessionStore(officer.session.session_key)[PLACE] == {}
    for number in range(KEPT + 3):
        latest = officer.post(ACCOUNTS, {"q": f"name {number}"})["Location"]
    assert len(officer.session[PLACE]) == KEPT
    assert officer.post(ACCOUNTS, {"q": "name 9"})["Location"] != latest
    assert officer.post(ACCOUNTS, {"q": f"name {KEPT + 2}"})["Location"] == latest  # equal words have one name
    assert "This search has ended" not in shown(officer, latest)[1]


def test_every_list_with_a_box_does_so() -> None:
    boxed = {page for page in admin.site._registry.values() if page.search_fields}
    assert len(boxed) > 20
    assert [page for page in boxed if not issubclass(page.get_changelist(None), SearchedList)] == []  # type: ignore[arg-type]


def test_two_pages_that_one_browser_asks_for_at_once_lose_neither_search(officer: Client) -> None:
    key, now = officer.session.session_key, timezone.now()
    pages = [SessionStore(key) for _page in range(3)]
    assert not [page for page in pages if PLACE in page]  # each is loaded before another is saved
    names = [searches.keep(page, words, now=now) for page, words in zip(pages, ("ana", "ben"), strict=False)]
    pages[2]["asked"] = True
    for page in pages:
        page.save()
    assert [searches.words_of(SessionStore(key), name, now=now) for name in names] == ["ana", "ben"]
    stale = SessionStore(key)
    assert stale["asked"]
    renewed = SessionStore(key)
    assert searches.words_of(renewed, names[0], now=now + timedelta(minutes=50)) == "ana"
    renewed.save()
    stale.save()  # does not take the renewal back
    assert searches.words_of(SessionStore(key), names[0], now=now + timedelta(minutes=100)) == "ana"


def test_the_box_of_the_menu_keeps_nothing_until_the_list_is_asked_for_all(officer: Client) -> None:
    for number in range(6):
        make_account(full_name=f"Ana Number {number}")
    page = officer.post("/admin/search/", {"s": " \0ana "}).content.decode()
    assert PLACE not in officer.session
    assert page.count(f'href="{ACCOUNTS}') == 5
    form = re.search(r'<form method="post" action="([^"]+)".*?name="q" value="([^"]*)"', page, re.DOTALL)
    assert form is not None
    address, words = form.groups()
    assert (address, words) == (ACCOUNTS, "ana")
    assert len(shown(officer, officer.post(address, {"q": words})["Location"])[0]) == 6
    for absurd in ("x" * 5000, "\u3316" * 400, "\U00020000" * 3000):
        assert officer.post("/admin/search/", {"s": absurd}).status_code == 200
        where = {"app_label": "retention", "model_name": "holditem", "field_name": "account", "term": f"\0{absurd}"}
        assert officer.post("/admin/autocomplete/", where).status_code == 200


def test_a_list_that_is_not_ours_has_the_themes_box_which_searches_there(rf: RequestFactory) -> None:
    class Plain(ModelAdmin):
        search_fields = ("name",)

    wanted, _other = (make_account().organisation for _number in range(2))
    Organisation.objects.filter(pk=wanted.pk).update(name="Sought and found")
    request = rf.get("/admin/crm/organisation/", {"q": "sought"})
    request.user, request.session = make_user("Operations", is_superuser=True), SessionStore()
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    answer = Plain(Organisation, admin.site).changelist_view(request)
    assert isinstance(answer, TemplateResponse)
    page = answer.render().content.decode()
    assert list(answer.context_data["cl"].result_list) == [wanted]  # type: ignore[index]
    (box,) = re.findall(r'<form id="changelist-search" ([^>]*)>', page)
    assert 'method="get"' in box
    assert 'x-data="{rowOpen: false}"' in page
