"""Accounts from CSV and XLSX, through the admin's own pages: preview, then confirmation, whole or not at all."""

import csv
import html
import io
import os
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from consent import suppression
from crasme.crm.models import Account, Organisation
from crasme.crm.sheets import imports
from crasme.kit.formats import SAFE_FORMATS
from crasme.ledger.models import Entry
from crasme.staff import tasks
from crasme.staff.models import AccessEntry, User
from tests.builders import NOW, make_account, make_organisation, make_user

pytestmark = pytest.mark.django_db
CSV, XLSX = 0, 1
HEAD = ["email", "full_name", "organisation", "phone", "business_address", "job_title", "role", "language", "time_zone"]


@pytest.fixture
def firm() -> Organisation:
    return make_organisation(name="Ziegler & Söhne")


def row(email: str, organisation: str = "Ziegler & Söhne", **fields: str) -> list[Any]:
    values = {"email": email, "organisation": organisation, "full_name": "Ada Berger"} | fields
    return [values.get(name, "") for name in HEAD]


def as_csv(*rows: list[Any], head: list[str] = HEAD) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([head, *rows])
    return file.getvalue().encode()


def as_xlsx(*rows: list[Any], head: list[str] = HEAD) -> bytes:
    book = openpyxl.Workbook()
    for values in [head, *rows]:
        book.active.append(values)  # type: ignore[union-attr]
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def upload(desk: Client, data: bytes, which: int = CSV) -> HttpResponse:
    name = "accounts.csv" if which == CSV else "accounts.xlsx"
    return desk.post(  # type: ignore[return-value]
        reverse("admin:crm_account_import"),
        {"import_file": SimpleUploadedFile(name, data), "format": str(which), "resource": "0"},
    )


def confirm(desk: Client, preview: HttpResponse) -> HttpResponse:
    form = preview.context["confirm_form"]  # type: ignore[attr-defined]
    return desk.post(reverse("admin:crm_account_process_import"), form.initial, follow=True)  # type: ignore[return-value]


def complaints(preview: HttpResponse) -> str:
    """What the page says, without markup; fails when it offers to go on."""
    assert preview.status_code == 200
    assert "confirm_form" not in preview.context  # type: ignore[attr-defined]
    assert not waiting(), "a file with errors must not wait for a confirmation"
    page = re.sub(r"(?s)<script.*?</script>|<[^>]+>", " ", preview.content.decode())
    return re.sub(r"\s+", " ", html.unescape(page))


def waiting() -> list[Path]:
    from django.conf import settings

    return list(Path(settings.DATA_DIR).rglob("*.upload"))


def test_the_first_formats_are_the_two_that_people_use() -> None:
    assert [each.__name__ for each in SAFE_FORMATS][:2] == ["CSV", "XLSX"]


@pytest.mark.parametrize(("which", "table"), [(CSV, as_csv), (XLSX, as_xlsx)])
class TestBothFormats:
    def test_preview_then_confirmation(
        self, desk: Client, chief: User, firm: Organisation, which: int, table: Any
    ) -> None:
        known = make_account(organisation=firm, email="known@customer.example", full_name="Old Name", phone="1")
        same = make_account(organisation=firm, email="same@customer.example", full_name="Ada Berger", phone="2")
        Account.objects.filter(pk=same.pk).update(phone="", business_address="", job_title="")
        for unwanted in ("new@BÜCHER.example", "known@customer.example", "other@customer.example"):
            suppression.suppress(unwanted, reason="unsubscribed", source="unsubscribe-link", actor=chief.ref, now=NOW)
        preview = upload(
            desk,
            table(
                row(" New@BÜCHER.example", role="Administrator", phone="+43 1 5", language="de"),
                row("known@customer.example", organisation=str(firm.pk), full_name="New Name"),
                row("same@customer.example"),
            ),
            which,
        )
        assert [each.import_type for each in preview.context["result"].rows] == ["new", "update", "skip"]
        assert Account.objects.count() == 2, "a preview writes nothing"
        assert "2 of the addresses want no marketing." in preview.content.decode()
        looked = AccessEntry.objects.get(table="consent.suppression")
        assert (looked.user, looked.action, looked.rows) == (chief, "search", 2)
        assert len(waiting()) == 1
        assert b"Berger" not in waiting()[0].read_bytes(), "the file waits encrypted"

        done = confirm(desk, preview)
        assert done.redirect_chain == [(reverse("admin:crm_account_changelist"), 302)]  # type: ignore[attr-defined]
        new = Account.objects.get(email="new@xn--bcher-kva.example")
        assert (new.organisation, new.role, new.phone, new.language, new.status) == (
            firm,
            "admin",
            "+43 1 5",
            "de",
            "active",
        )
        known.refresh_from_db()
        assert (known.full_name, known.phone, known.role) == ("New Name", "", "member")
        assert not waiting()
        entry = Entry.objects.get(verb="crm.accounts_imported")
        assert (entry.actor, entry.facts) == (chief.ref, {"created": 1, "updated": 1, "unchanged": 1, "unwanted": 2})
        assert suppression.is_suppressed("new@bücher.example"), "an account is no permission"

    def test_one_bad_row_stops_all(self, desk: Client, firm: Organisation, which: int, table: Any) -> None:
        preview = upload(desk, table(row("good@customer.example"), row("bad@customer.example", "Nobody GmbH")), which)
        page = complaints(preview)
        assert "organisation: There is no organisation of this name or id. Add it first, or correct the cell." in page
        assert [each.number for each in preview.context["result"].invalid_rows] == [2]  # type: ignore[attr-defined]
        assert not Account.objects.exists()

    def test_a_card_number_is_refused(self, desk: Client, firm: Organisation, which: int, table: Any) -> None:
        page = complaints(upload(desk, table(row("a@customer.example", phone="5555 5555 5555 4444")), which))
        assert "phone" in page
        assert "payment card number" in page
        assert "5555" not in page


class TestRows:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"email": ""}, "email: Every row needs an e-mail address."),
            ({"email": "nobody"}, "email: Enter a valid email address."),
            ({"role": "boss"}, "role: There is no such role. Write one of: owner, admin, member, guest"),
            ({"organisation": ""}, "organisation: A new account needs its organisation, by name or id."),
            ({"language": "Deutsch"}, "language: Write a language code such as de or pt-BR."),
            ({"time_zone": "Vienna"}, "time_zone: Write a time zone such as Europe/Vienna or UTC."),
            ({"full_name": "n" * 201}, "full_name: Ensure this value has at most 200 characters"),
        ],
    )
    def test_each_error_names_its_column(
        self, desk: Client, firm: Organisation, fields: dict[str, str], message: str
    ) -> None:
        assert message in complaints(upload(desk, as_csv(row(**{"email": "a@customer.example"} | fields))))

    def test_the_same_address_twice_in_a_file(self, desk: Client, firm: Organisation) -> None:
        page = complaints(upload(desk, as_csv(row("a@customer.example"), row("A@Customer.example"))))
        assert "email: Row 1 has the same address already. Keep one of the two." in page

    @pytest.mark.parametrize(
        ("state", "message"),
        [
            ({"restricted_at": NOW}, "Processing of this account is restricted."),
            ({"on_hold": True}, "A legal hold lies on this account."),
            ({"closed_at": NOW}, "This account is closed."),
        ],
    )
    def test_accounts_that_must_be_left_alone(
        self, desk: Client, firm: Organisation, state: dict[str, Any], message: str
    ) -> None:
        account = make_account(**state)
        page = complaints(upload(desk, as_csv(row(account.email, full_name="Changed"))))
        assert f"email: {message}" in page

    def test_two_organisations_of_one_name(self, desk: Client, firm: Organisation) -> None:
        make_organisation(name=firm.name.upper())
        page = complaints(upload(desk, as_csv(row("a@customer.example"))))
        assert "Several organisations have this name. Write the organisation's id instead." in page
        assert "confirm_form" in upload(desk, as_csv(row("a@customer.example", str(firm.pk)))).context  # type: ignore[attr-defined]

    def test_missing_columns_and_empty_choices_leave_what_was_stored(self, desk: Client, firm: Organisation) -> None:
        account = make_account(organisation=firm, role="owner", phone="keep", language="de")
        preview = upload(desk, as_csv([account.email, "New", ""], head=["email", "full_name", "role"]))
        confirm(desk, preview)
        account.refresh_from_db()
        assert (account.full_name, account.role, account.phone, account.language) == ("New", "owner", "keep", "de")

    def test_numbers_and_dates_of_a_spreadsheet(self, desk: Client, firm: Organisation) -> None:
        confirm(desk, upload(desk, as_xlsx(row("a@customer.example", phone=4319346633.0)), XLSX))  # type: ignore[arg-type]
        assert Account.objects.get().phone == "4319346633"
        page = complaints(upload(desk, as_xlsx(row("b@customer.example", job_title=NOW.replace(tzinfo=None))), XLSX))  # type: ignore[arg-type]
        assert "job_title: The cell holds a date" in page


class TestFiles:
    def test_a_misspelt_column(self, desk: Client, firm: Organisation) -> None:
        page = complaints(upload(desk, as_csv(["a@customer.example", "Ada"], head=["email", "fullname"])))
        assert "There is no column “fullname”." in page
        assert "business_address" in page

    def test_without_addresses(self, desk: Client) -> None:
        assert "The column “email” is missing." in complaints(upload(desk, as_csv(["Ada"], head=["full_name"])))

    def test_an_empty_file(self, desk: Client) -> None:
        complaints(upload(desk, b""))
        complaints(upload(desk, as_csv()))

    def test_too_many_rows(self, desk: Client, firm: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imports, "MOST_ROWS", 2)
        rows = [row(f"a{number}@customer.example") for number in range(3)]
        assert "more than 2 rows" in complaints(upload(desk, as_csv(*rows)))

    @pytest.mark.parametrize("data", [b"\xff\xfe\x00", b'email\n"open', b"\x00\x01\x02", b"%PDF-1.7"])
    def test_what_is_no_table(self, desk: Client, data: bytes) -> None:
        complaints(upload(desk, data))
        complaints(upload(desk, data, XLSX))

    def test_a_workbook_that_would_unpack_to_gigabytes(self, desk: Client) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet1.xml", b"0" * 40_000_000)
        assert "unpack to far more" in complaints(upload(desk, file.getvalue(), XLSX))

    def test_the_preview_of_a_long_file_is_short_and_the_import_is_not(
        self, desk: Client, firm: Organisation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(imports, "PREVIEWED", 2)
        preview = upload(desk, as_csv(*(row(f"a{number}@customer.example") for number in range(5))))
        assert preview.content.decode().count('<tr class="data-row') == 2
        confirm(desk, preview)
        assert Account.objects.count() == 5

    def test_queries_do_not_grow_with_the_rows(
        self, desk: Client, firm: Organisation, django_assert_max_num_queries: Any
    ) -> None:
        make_account(organisation=firm, email="a7@customer.example")
        data = as_csv(*(row(f"a{number}@customer.example") for number in range(500)))
        with django_assert_max_num_queries(30):
            preview = upload(desk, data)
        with django_assert_max_num_queries(30):
            confirm_only = preview.context["confirm_form"].initial  # type: ignore[attr-defined]
            desk.post(reverse("admin:crm_account_process_import"), confirm_only)
        assert Account.objects.count() == 500


class TestConfirmation:
    def test_nothing_is_imported_when_the_rows_no_longer_fit(self, desk: Client, firm: Organisation) -> None:
        account = make_account(organisation=firm)
        preview = upload(desk, as_csv(row("new@customer.example"), row(account.email, full_name="Changed")))
        Account.objects.filter(pk=account.pk).update(restricted_at=NOW)
        done = confirm(desk, preview)
        assert "Nothing was imported" in done.content.decode()
        assert Account.objects.count() == 1
        assert not waiting()
        assert not Entry.objects.filter(verb="crm.accounts_imported").exists()

    def test_confirming_twice_explains_itself(self, desk: Client, firm: Organisation) -> None:
        preview = upload(desk, as_csv(row("a@customer.example")))
        confirm(desk, preview)
        assert "no longer here" in confirm(desk, preview).content.decode()
        assert Account.objects.count() == 1

    def test_an_abandoned_upload_goes_after_a_day(self, desk: Client, firm: Organisation) -> None:
        upload(desk, as_csv(row("a@customer.example")))
        assert tasks.forget_uploads() == 0
        (file,) = waiting()
        a_day_ago = time.time() - 24 * 3600 - 1
        os.utime(file, (a_day_ago, a_day_ago))
        assert tasks.forget_uploads() == 1
        assert not waiting()

    def test_somebody_else_s_file_name_opens_nothing(self, desk: Client, firm: Organisation) -> None:
        preview = upload(desk, as_csv(row("a@customer.example")))
        preview.context["confirm_form"].initial["import_file_name"] = "../../etc/passwd"  # type: ignore[attr-defined]
        assert "no longer here" in confirm(desk, preview).content.decode()


class TestWho:
    def _client(self, user: User, settings: Settings) -> Client:
        settings.DEMO_SIGN_INS = True
        client = Client()
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        return client

    def test_importing_and_exporting_are_permissions_of_their_own(self, settings: Settings) -> None:
        agent = self._client(make_user("Support agent"), settings)
        assert agent.get(reverse("admin:crm_account_changelist")).status_code == 200
        assert agent.get(reverse("admin:crm_account_import")).status_code == 403
        assert agent.get(reverse("admin:crm_account_export")).status_code == 403

    def test_whoever_only_imports_sees_nobody(self, settings: Settings, firm: Organisation) -> None:
        account = make_account(organisation=firm, full_name="Zacharias Quellmalz", phone="+43 7")
        clerk = make_user()
        suppression.suppress(account.email, reason="unsubscribed", source="staff", actor=clerk.ref, now=NOW)
        clerk.user_permissions.set(Permission.objects.filter(codename="import_account"))
        desk = self._client(clerk, settings)
        preview = upload(desk, as_csv([account.email, "Director"], head=["email", "job_title"]))
        assert preview.context["result"].totals["update"] == 1  # type: ignore[attr-defined]
        assert "Quellmalz" not in preview.content.decode()
        assert "+43 7" not in preview.content.decode()
        assert "marketing" not in preview.content.decode(), "one row's number would be one person's choice"
        done = confirm(desk, preview)
        assert done.redirect_chain == [(reverse("admin:crm_account_import"), 302)]  # type: ignore[attr-defined]
        assert "1 updated" in done.content.decode()
        account.refresh_from_db()
        assert account.job_title == "Director"

    def test_how_many_want_no_marketing_is_for_whoever_may_search_the_list_and_is_logged_as_that(
        self, settings: Settings, firm: Organisation
    ) -> None:
        account, other = make_account(organisation=firm), make_account(organisation=firm)
        clerk = make_user()
        suppression.suppress(account.email, reason="unsubscribed", source="staff", actor=clerk.ref, now=NOW)
        clerk.user_permissions.set(Permission.objects.filter(codename="import_account"))
        desk = self._client(clerk, settings)
        searches = AccessEntry.objects.filter(table="consent.suppression", user=clerk, action="search")
        for codename, told in (("view_account", False), ("view_suppression", True)):
            clerk.user_permissions.add(Permission.objects.get(codename=codename))
            preview = upload(desk, as_csv([account.email, "Director"], head=["email", "job_title"]))
            assert ("1 of the addresses wants no marketing." in preview.content.decode()) is told
            assert searches.exists() is told
        upload(desk, as_csv([other.email, "Director"], head=["email", "job_title"]))
        assert sorted(searches.values_list("rows", flat=True)) == [0, 1], "none is an answer, too"


class TestExport:
    def _export(self, desk: Client, which: int) -> bytes:
        fields = {
            f"accountexport_{name}": "on" for name in ("email", "full_name", "organisation", "status", "created_at")
        }
        response = desk.post(reverse("admin:crm_account_export"), {"format": str(which), "resource": "0"} | fields)
        assert response.status_code == 200
        assert "attachment" in response["Content-Disposition"]
        return response.content

    def test_it_is_logged_and_runs_no_formula(self, desk: Client, chief: User) -> None:
        make_account(email="a@customer.example", full_name="=HYPERLINK(1)")
        make_account(full_name="Hidden", restricted_at=NOW)
        rows = list(csv.DictReader(io.StringIO(self._export(desk, CSV).decode("utf-8-sig"))))
        assert [(each["email"], each["full_name"]) for each in rows] == [("a@customer.example", "'=HYPERLINK(1)")]
        log = AccessEntry.objects.get(action="export")
        assert (log.user, log.table, log.rows) == (chief, "crm.account", 1)

    def test_a_workbook_opens(self, desk: Client) -> None:
        account = make_account(full_name="-1+1")
        sheet = openpyxl.load_workbook(io.BytesIO(self._export(desk, XLSX))).active
        assert [cell.value for cell in sheet[2]][1] == "'-1+1"  # type: ignore[index]
        assert next(cell.value for cell in sheet[2]) == account.email  # type: ignore[index]

    def test_what_was_exported_can_be_corrected_and_imported(self, desk: Client, firm: Organisation) -> None:
        account = make_account(organisation=firm, full_name="=Old")
        exported = self._export(desk, CSV).decode("utf-8-sig")
        preview = upload(desk, exported.replace("'=Old", "'=New").encode())
        confirm(desk, preview)
        account.refresh_from_db()
        assert account.full_name == "=New"
