"""What is typed into a list's box stands in no address, and a search that has ended takes nothing for everything."""

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from crasme.staff.admin import searching
from crasme.staff.admin.searching import KEPT, SearchedList
from crasme.staff.models import Session
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
    for number in range(KEPT + 3):
        latest = officer.post(ACCOUNTS, {"q": f"name {number}"})["Location"]
    assert len(officer.session["searches"]) == KEPT
    assert "This search has ended" not in shown(officer, latest)[1]


def test_every_list_with_a_box_does_so() -> None:
    boxed = {page for page in admin.site._registry.values() if page.search_fields}
    assert len(boxed) > 20
    assert [page for page in boxed if not issubclass(page.get_changelist(None), SearchedList)] == []  # type: ignore[arg-type]
