"""The CRM's pages in the admin: each opens, none asks the database once a row, each act goes through its service."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crasme.crm.admin.usage import COUNTED
from crasme.crm.models import Account, Dispute, HeldUsageEvent, Integration, Organisation, UsageEvent
from crasme.kit.crypto import subject_ref
from crasme.ledger.models import Entry
from crasme.staff.models import AccessEntry, User
from tests.builders import (
    NOW,
    make_account,
    make_billing_profile,
    make_contact,
    make_credential,
    make_deal,
    make_device,
    make_events,
    make_integration,
    make_invoice,
    make_note,
    make_user,
)

pytestmark = pytest.mark.django_db
MODELS = sorted(model._meta.model_name for model in apps.get_app_config("crm").get_models())
SECRETS = ("ya29.access", "1//refresh", "argon2$")


def client_of(user: User, settings: Settings) -> Client:
    settings.DEMO_SIGN_INS = True
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


def furnish(account: Account, copies: int = 1) -> Account:
    """Rows of every kind that hang off an account."""
    make_credential(account)
    make_billing_profile(account)
    make_integration(account, messages=copies)
    for _ in range(copies):
        Dispute.objects.create(invoice=make_invoice(account), reason="amount", opened_at=NOW, opened_by="system:test")
        make_device(account)
        make_contact(account)
        make_deal(account)
        make_note(account)
    make_events(account, [NOW - timedelta(hours=hour) for hour in range(copies)])
    HeldUsageEvent.objects.create(account=account, occurred_at=NOW, kind="page", name="x", carried_at=NOW)
    return account


def change_page(row: Any) -> str:
    return reverse(f"admin:crm_{row._meta.model_name}_change", args=[row.pk])


class TestPages:
    def test_every_model_has_its_page(self) -> None:
        assert set(apps.get_app_config("crm").get_models()) <= set(site._registry)

    @pytest.mark.parametrize("name", MODELS)
    def test_lists_searches_and_rows_open(self, desk: Client, name: str) -> None:
        furnish(make_account())
        model = apps.get_model("crm", name)
        row = model._base_manager.first()
        page = reverse(f"admin:crm_{name}_changelist")
        for address in (f"{page}?q={row.pk}", f"{page}?q=%00'%22\\ ada", change_page(row)):
            response = desk.get(address, follow=True)
            assert response.status_code == 200, address
            assert not any(secret in response.content.decode() for secret in SECRETS)

    @pytest.mark.parametrize("name", MODELS)
    def test_an_address_that_leads_nowhere(self, desk: Client, name: str) -> None:
        for key in ("nonsense", "019a0000-0000-7000-8000-000000000001"):
            assert desk.get(reverse(f"admin:crm_{name}_change", args=[key])).status_code == 302

    @pytest.mark.parametrize("name", MODELS)
    def test_nothing_is_deleted_here_and_only_organisations_are_added(self, desk: Client, name: str) -> None:
        furnish(make_account())
        row = apps.get_model("crm", name)._base_manager.first()
        assert desk.post(reverse(f"admin:crm_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        added = desk.get(reverse(f"admin:crm_{name}_add")).status_code
        assert added == (200 if name == "organisation" else 403)

    def test_an_organisation_is_added(self, desk: Client) -> None:
        desk.post(reverse("admin:crm_organisation_add"), {"name": "Neu GmbH", "country": "AT", "business_address": ""})
        assert Organisation.objects.get().created_at <= timezone.now()

    def test_what_is_no_key_is_said_at_its_field(self, desk: Client) -> None:
        answer = desk.post(change_page(make_account()), {"organisation": "no-key"})
        assert answer.status_code == 200
        assert "organisation" in answer.context["adminform"].form.errors

    def test_support_reads_and_does_not_import(self, settings: Settings) -> None:
        agent = client_of(make_user("Support agent"), settings)
        account = furnish(make_account())
        assert agent.get(change_page(account)).status_code == 200
        assert agent.get(reverse("admin:crm_usageevent_changelist")).status_code == 200

    def test_without_a_role_nothing_opens(self, settings: Settings) -> None:
        nobody = client_of(make_user(), settings)
        account = furnish(make_account())
        assert nobody.get(change_page(account)).status_code == 403
        assert nobody.post(action(account, "close"), {"sure": "yes"}).status_code == 403

    def test_looks_are_logged(self, desk: Client, chief: User) -> None:
        account = furnish(make_account())
        desk.get(change_page(account))
        entry = AccessEntry.objects.get()
        assert (entry.user, entry.action, entry.subject_ref) == (chief, "view", subject_ref("account", account.pk))


class TestQueries:
    """The number of queries is the same for 2 rows and for 5."""

    @pytest.mark.parametrize("name", MODELS)
    def test_lists(self, desk: Client, name: str) -> None:
        page = reverse(f"admin:crm_{name}_changelist")
        for _ in range(2):
            furnish(make_account())
        few = _count_queries(desk, page)
        for _ in range(3):
            furnish(make_account())
        assert _count_queries(desk, page) <= few <= 4

    def test_an_account_with_all_that_hangs_off_it(self, desk: Client) -> None:
        small, large = furnish(make_account()), furnish(make_account(), copies=12)
        desk.get(change_page(small))
        few = _count_queries(desk, change_page(small))
        assert _count_queries(desk, change_page(large)) <= few
        assert few < 25


def _count_queries(desk: Client, address: str) -> int:
    from django.test.utils import CaptureQueriesContext

    # Only this room's: figures in the side bar are asked for every other minute.
    with CaptureQueriesContext(connection) as captured:
        assert desk.get(address).status_code == 200
    return sum('"crm_' in each["sql"] for each in captured)


class TestAccounts:
    def test_search_by_address_name_and_id(self, desk: Client) -> None:
        wanted = make_account(full_name="Zoë Quellmalz", email="zoe@bücher.example")
        make_account()
        page = reverse("admin:crm_account_changelist")
        for text in ("ZOE@", "zoe@BÜCHER.example", "quell", "Zoë Quellmalz", str(wanted.pk), wanted.pk.hex):
            assert list(desk.get(page, {"q": text}, follow=True).context["cl"].queryset) == [wanted], text

    def test_filters(self, desk: Client) -> None:
        restricted, held = make_account(restricted_at=NOW), make_account(on_hold=True)
        closed = make_account(closed_at=NOW)
        page = reverse("admin:crm_account_changelist")
        for query, found in (
            ({"flag": "restricted"}, restricted),
            ({"flag": "on_hold"}, held),
            ({"status__exact": "closed"}, closed),
            ({"organisation__id__exact": str(held.organisation_id)}, held),
            ({"closed_at_from": "2026-11-22", "closed_at_to": "2026-11-22"}, closed),
        ):
            assert list(desk.get(page, query).context["cl"].queryset) == [found], query

    def test_days_that_do_not_exist_filter_nothing(self, desk: Client) -> None:
        make_account(closed_at=NOW)
        page = reverse("admin:crm_account_changelist")
        for day in ("2026-02-30", "x", "9999-12-31"):
            assert desk.get(page, {"closed_at_to": day}).status_code == 200

    def test_a_correction_goes_through_the_service(self, desk: Client, chief: User) -> None:
        account = make_account()
        response = desk.post(change_page(account), form_data(desk, account, full_name="Neu", email="NEU@x.example"))
        assert response.status_code == 302
        account.refresh_from_db()
        assert (account.full_name, account.email, account.status) == ("Neu", "neu@x.example", "active")
        entry = Entry.objects.get(verb="crm.corrected")
        assert (entry.actor, entry.facts["fields"]) == (chief.ref, ["email", "full_name"])

    def test_a_form_cannot_set_what_a_service_sets(self, desk: Client) -> None:
        account = make_account()
        desk.post(
            change_page(account), form_data(desk, account, status="erased", on_hold="on", closed_at_0="2026-01-01")
        )
        account.refresh_from_db()
        assert (account.status, account.on_hold, account.closed_at) == ("active", False, None)

    def test_a_card_number_is_shown_at_its_field(self, desk: Client) -> None:
        account = make_account()
        response = desk.post(change_page(account), form_data(desk, account, phone="4111 1111 1111 1111"))
        assert response.status_code == 200
        assert "payment card number" in str(response.context["adminform"].form.errors["phone"])
        account.refresh_from_db()
        assert "4111" not in account.phone

    def test_an_erased_account_is_shown_and_not_changed(self, desk: Client) -> None:
        account = make_account()
        Account.objects.filter(pk=account.pk).update(
            status="erased", erased_at=NOW, email="", full_name="", phone="", business_address="", job_title=""
        )
        assert desk.get(change_page(account)).status_code == 200
        assert desk.post(change_page(account), {"full_name": "Back"}).status_code == 403


class TestActs:
    def test_a_question_changes_nothing(self, desk: Client) -> None:
        account = make_account()
        assert b"Close this account?" in desk.get(action(account, "close")).content
        account.refresh_from_db()
        assert account.status == "active"

    def test_close_and_open_again(self, desk: Client, chief: User) -> None:
        account = make_account()
        assert press(desk, account, "close").status_code == 302
        account.refresh_from_db()
        assert account.status == "closed"
        press(desk, account, "reactivate")
        account.refresh_from_db()
        assert account.status == "active"
        assert set(Entry.objects.filter(verb__startswith="crm.").values_list("actor", flat=True)) == {chief.ref}

    def test_too_late_to_open_again(self, desk: Client) -> None:
        account = make_account(closed_at=timezone.now() - timedelta(days=90, seconds=1))
        press(desk, account, "reactivate")
        account.refresh_from_db()
        assert account.status == "closed"
        assert "are over" in messages(desk, account)

    def test_restrict_and_lift(self, desk: Client) -> None:
        account = make_account()
        press(desk, account, "restrict")
        account.refresh_from_db()
        assert account.restricted_at is None  # nobody has said why
        press(desk, account, "restrict", reason="claims")
        account.refresh_from_db()
        assert account.restricted_at is not None
        assert Entry.objects.get(verb="crm.account_restricted").facts == {"reason": "claims"}
        press(desk, account, "unrestrict")
        account.refresh_from_db()
        assert account.restricted_at is None

    def test_a_button_that_no_longer_fits_explains_itself(self, desk: Client) -> None:
        account = make_account(closed_at=timezone.now())
        press(desk, account, "close")
        assert "Only an active account can be closed." in messages(desk, account)

    def test_only_fitting_buttons_are_offered(self, desk: Client) -> None:
        page = desk.get(change_page(make_account(closed_at=timezone.now(), restricted_at=NOW)))
        offered = {each["path"].rstrip("/").rpartition("/")[2] for each in page.context["actions_detail"]}
        assert offered == {"reactivate", "unrestrict"}

    def test_disconnecting_a_service(self, desk: Client) -> None:
        integration = make_integration(make_account(), messages=2)
        assert press(desk, integration, "disconnect").status_code == 302
        assert not Integration.objects.exists()

    def test_disconnecting_under_a_hold_says_what_stays(self, desk: Client) -> None:
        integration = make_integration(make_account(on_hold=True), messages=2)
        press(desk, integration, "disconnect")
        assert "A legal hold or a restriction keeps the messages" in messages(desk, integration)

    def test_each_act_needs_its_permission(self, settings: Settings) -> None:
        auditor = client_of(make_user("Auditor"), settings)
        account = make_account()
        for name in ("close", "reactivate", "restrict", "unrestrict"):
            assert press(auditor, account, name).status_code == 403
        assert press(auditor, make_integration(account), "disconnect").status_code == 403


class TestUsage:
    def test_a_large_table_is_not_counted(self, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        from crasme.staff.admin import paging

        make_events(make_account(), [NOW] * 60)
        monkeypatch.setattr(paging, "EXACT_UP_TO", 10)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE crm_usageevent")
        statements = _statements(desk, reverse("admin:crm_usageevent_changelist"))
        assert not any("COUNT(" in sql for sql in statements)

    def test_a_filtered_count_stops(self, desk: Client) -> None:
        make_events(make_account(), [NOW] * 3)
        statements = _statements(desk, reverse("admin:crm_usageevent_changelist") + "?kind__exact=page")
        counts = [sql for sql in statements if "COUNT(" in sql]
        assert len(counts) == 1
        assert f"LIMIT {COUNTED}" in counts[0]

    def test_found_by_account(self, desk: Client) -> None:
        account = make_account()
        mine = make_events(account, [NOW, NOW - timedelta(days=40)])
        make_events(make_account(), [NOW])
        page = reverse("admin:crm_usageevent_changelist")
        for query in ({"q": str(account.pk)}, {"account__id__exact": str(account.pk)}):
            assert set(desk.get(page, query, follow=True).context["cl"].queryset) == set(mine)

    def test_one_id_at_two_instants_opens(self, desk: Client) -> None:
        account = make_account()
        (event,) = make_events(account, [NOW])
        UsageEvent.objects.create(
            id=event.pk, account=account, occurred_at=NOW + timedelta(hours=1), kind="page", name="later"
        )
        assert "later" in desk.get(change_page(event)).content.decode()


def _statements(desk: Client, address: str) -> list[str]:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        assert desk.get(address).status_code == 200
    return [each["sql"] for each in captured if "crm_usageevent" in each["sql"]]


def action(row: Any, name: str) -> str:
    return reverse(f"admin:crm_{row._meta.model_name}_{name}", args=[row.pk])


def press(desk: Client, row: Any, name: str, **fields: str) -> HttpResponse:
    """The button in the dialog."""
    return desk.post(action(row, name), {"sure": "yes"} | fields)  # type: ignore[return-value]


def messages(desk: Client, row: Any) -> str:
    return desk.get(change_page(row)).content.decode()


def form_data(desk: Client, account: Account, **changes: str) -> dict[str, Any]:
    """What the browser sends back: the form as it was shown, with some fields changed."""
    response = desk.get(change_page(account))
    form = response.context["adminform"].form
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    for inline in response.context["inline_admin_formsets"]:
        management = inline.formset.management_form
        data |= {management.add_prefix(name): value for name, value in management.initial.items()}
    return {name: "" if value is None else value for name, value in data.items()} | changes
