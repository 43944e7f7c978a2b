"""Every look at people's rows leaves a trace that itself says nothing about them."""

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, connection
from django.test import Client
from django.urls import reverse

from crasme.crm.models import Account
from crasme.kit.crypto import subject_ref
from crasme.staff import access
from crasme.staff.models import AccessEntry
from tests.builders import make_account, make_contact, make_invoice, make_user, sign_in, submit_request

pytestmark = pytest.mark.django_db
ACCOUNTS = "/admin/crm/account/"


@pytest.fixture
def officer(client: Client):
    return sign_in(client, make_user("Privacy officer"))


def entries() -> list[tuple[str, str, int, str]]:
    return list(AccessEntry.objects.order_by("at").values_list("action", "table", "rows", "subject_ref"))


def test_a_page_about_one_person_is_logged_with_their_reference(client: Client, officer) -> None:
    account = make_account()
    assert client.get(f"{ACCOUNTS}{account.pk}/change/").status_code == 200
    assert entries() == [("view", "crm.account", 1, subject_ref("account", account.pk))]
    assert AccessEntry.objects.get().user == officer


def test_a_list_is_logged_with_its_count(client: Client, officer) -> None:
    for _number in range(3):
        make_account()
    client.get(ACCOUNTS)
    assert entries() == [("list", "crm.account", 3, "")]


def test_a_search_is_logged_without_what_was_sought(client: Client, officer) -> None:
    wanted, _other = make_account(email="unusual.name@customer.example"), make_account()
    client.get(ACCOUNTS, {"q": "unusual.name@customer.example"}, follow=True)
    assert entries() == [("search", "crm.account", 1, subject_ref("account", wanted.pk))]
    assert "unusual" not in str(list(AccessEntry.objects.values()))


def test_a_search_that_finds_nothing_is_a_look_too(client: Client, officer) -> None:
    client.get(ACCOUNTS, {"q": "nobody at all"}, follow=True)
    assert entries() == [("search", "crm.account", 0, "")]


def test_the_search_box_finds_people_by_post_alone_for_who_may_see_them(client: Client, officer) -> None:
    ana = make_account(email="ana@customer.example", full_name="Ana Sandoval")
    asked = submit_request(email="ana@customer.example")
    account, request = (reverse(f"admin:{kind}_change", args=[row.pk]) for kind, row in (
        ("crm_account", ana), ("privacy_request", asked)
    ))  # fmt: skip

    def found(term: str, method: str = "post") -> set[str]:
        page = getattr(client, method)("/admin/search/", {"s": term}).content.decode()
        assert account in page or "sandoval" not in page.lower()  # a request is not called by its person
        return {link for link in (account, request) if link in page}

    assert found("ANA@customer.example ") == {account, request}
    assert [entry[:3] for entry in entries()] == [("search", "crm.account", 1), ("search", "privacy.request", 1)]
    assert found("ana s") == {account}
    assert found("sando") == found("Sándoval, ANA") == {account}
    assert found("andoval") == found("ana@customer") == found("an") == found("") == set()
    assert found(asked.reference.lower().replace("-", " ")) == {request}
    assert found("ana@customer.example", "get") == set()
    assert "/admin/crm/account/" in client.get("/admin/search/", {"s": "account"}).content.decode()
    assert not list(cache._cache.get_client().scan_iter(match="*unfold_search*"))  # nothing of it is kept
    sign_in(client, make_user("Operations"))
    assert found("ana@customer.example") == set()


def test_a_page_that_is_not_there_leaves_nothing(client: Client, officer) -> None:
    client.get(f"{ACCOUNTS}00000000-0000-7000-8000-000000000000/change/")
    assert entries() == []


def test_a_look_that_cannot_be_logged_shows_nothing(client: Client, officer) -> None:
    account = make_account()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE staff_accessentry ADD CONSTRAINT broken CHECK (rows < 0) NOT VALID")
    client.raise_request_exception = False
    answer = client.get(f"{ACCOUNTS}{account.pk}/change/")
    assert answer.status_code == 500
    assert account.email.encode() not in answer.content


def test_rows_that_hang_off_an_account_name_its_owner() -> None:
    account = make_account()
    expected = subject_ref("account", account.pk)
    assert access.subject_ref_of(make_contact(account)) == expected
    assert access.subject_ref_of(make_invoice(account)) == expected
    assert access.subject_ref_of(account.organisation) == ""


def test_an_invoice_without_its_account_is_found_by_its_address() -> None:
    invoice = make_invoice(make_account())
    invoice.account = None
    assert access.subject_ref_of(invoice) == subject_ref("email", invoice.billed_email)


def test_every_page_over_people_logs(client: Client) -> None:
    """No room registers a page over people that does not build on the logging base."""
    from crasme.kit import datamap
    from crasme.staff.admin import PersonalDataAdmin

    own_log = {
        "staff.AccessEntry",
        "staff.Absence",
        "staff.ApiKey",
        "retention.Hold",
        "retention.HoldItem",
        "privacy.WebhookEndpoint",
    }
    silent = [
        model._meta.label
        for model, page in admin.site._registry.items()
        if isinstance(datamap.covers(model._meta.label), datamap.Table)
        and not isinstance(page, PersonalDataAdmin)
        and model._meta.label not in own_log
    ]
    assert silent == []


def test_a_user_who_looked_cannot_be_deleted_from_under_the_log(client: Client, officer) -> None:
    client.get(ACCOUNTS)
    with pytest.raises((IntegrityError, DatabaseError)):
        officer.delete()
    assert Account.objects.count() == 0
