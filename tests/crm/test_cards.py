"""No payment card number gets in by any door, and the scan finds one that did."""

import json
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from crasme.crm import cardscan
from crasme.crm.cardscan import Finding
from crasme.crm.models import Account, Device, Invoice, Note, UsageEvent
from crasme.kit import datamap
from crasme.kit.cards import CardFree
from crasme.kit.ids import uuid7
from tests.builders import (
    NOW,
    make_account,
    make_contact,
    make_device,
    make_events,
    make_integration,
    make_invoice,
    make_note,
    make_organisation,
)

pytestmark = pytest.mark.django_db
CARD = "4111-1111-1111-1111"


def put(table: str, column: str, value: str) -> None:
    """Straight into the database, as a restored file or a careless script would."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s", [value])


class TestDoors:
    def test_every_model_with_text_that_people_write_is_guarded(self) -> None:
        unguarded = {"crm.Credential", "crm.SyncedMessage"}  # a hash, and the provider's own ids
        for table in datamap.tables():
            if table.label.startswith("crm.") and table.label not in unguarded:
                assert issubclass(table.model, CardFree), table.label

    def test_saving(self) -> None:
        with pytest.raises(ValidationError, match="phone"):
            make_account(phone=CARD)

    def test_saving_json(self) -> None:
        with pytest.raises(ValidationError, match="display_settings"):
            make_device(make_account(), display_settings={"note": [CARD]})

    def test_bulk_create(self) -> None:
        account = make_account()
        with pytest.raises(ValidationError):
            Note.objects.bulk_create([Note(owner=account, body="fine", created_at=NOW), _note(account)])
        with pytest.raises(ValidationError):
            UsageEvent.objects.bulk_create([UsageEvent(account=account, occurred_at=NOW, kind="search", name=CARD)])
        assert not Note.objects.exists()

    def test_bulk_update_and_update(self) -> None:
        note = make_note(make_account())
        note.body = CARD
        with pytest.raises(ValidationError):
            Note.objects.bulk_update([note], ["body"])
        with pytest.raises(ValidationError):
            Invoice.objects.update(processor_reference=CARD)

    def test_the_error_never_repeats_the_number(self) -> None:
        with pytest.raises(ValidationError) as error:
            make_contact(make_account(), company=CARD)
        assert "1111" not in str(error.value)


def _note(account: Account) -> Note:
    return Note(owner=account, body=f"Pay with {CARD}", created_at=NOW)


class TestScan:
    @pytest.fixture
    def everything(self) -> Account:
        account = make_account()
        make_note(account)
        make_contact(account)
        make_device(account)
        make_invoice(account)
        make_events(account, [NOW], detail={"query": "late"})
        return account

    def test_a_clean_house_has_no_findings(self, everything: Account) -> None:
        make_integration(everything, messages=1)
        assert list(cardscan.scan()) == []
        output = StringIO()
        call_command("cards", "scan", stdout=output)
        assert "No card number is stored." in output.getvalue()

    @pytest.mark.parametrize(
        ("table", "column", "value"),
        [
            ("crm_account", "business_address", f"c/o {CARD}, 1010 Wien"),
            ("crm_note", "body", "kart ٤١١١ ١١١١ ١١١١ ١١١١"),
            ("crm_invoice", "processor_reference", "378282246310005"),
            ("crm_device", "display_settings", json.dumps({"a": [{"b": 4111111111111111}]})),
            ("crm_usageevent", "detail", json.dumps({"query": CARD})),
            ("crm_contact", "phone", "4111\u00a01111\u00a01111\u00a01111"),
        ],
    )
    def test_a_number_is_found_wherever_it_lies(self, everything: Account, table: str, column: str, value: str) -> None:
        put(table, column, value)
        label = table.replace("_", ".", 1)
        row = datamap.table(label).model._base_manager.get()
        assert list(cardscan.scan()) == [Finding(table=label, column=column, row=str(row.pk))]

    def test_encrypted_columns_are_opened(self) -> None:
        integration = make_integration(make_account(), access_token=f"paste {CARD}")
        assert list(cardscan.scan()) == [Finding("crm.integration", "access_token", str(integration.pk))]

    def test_digits_of_neighbouring_columns_do_not_join(self) -> None:
        account = make_account()
        put("crm_account", "phone", "41111111")
        put("crm_account", "full_name", "11111111")
        assert account.pk
        assert list(cardscan.scan()) == []

    def test_honest_numbers_are_no_findings(self, everything: Account) -> None:
        put("crm_account", "phone", "+43 660 1234567")
        put("crm_invoice", "tax_number", "AT611904300234573201")  # an IBAN typed into the wrong box
        put("crm_note", "body", f"see {uuid7()} and 2026-11-22 13:05:00, 1234567890123456")
        assert list(cardscan.scan()) == []

    def test_the_command_names_the_row_and_fails(self, everything: Account) -> None:
        put("crm_note", "body", CARD)
        output = StringIO()
        with pytest.raises(CommandError, match="1 card number is stored"):
            call_command("cards", "scan", "--json", stdout=output)
        note = Note.objects.get()
        assert json.loads(output.getvalue()) == {"table": "crm.note", "column": "body", "row": str(note.pk)}

    def test_only_columns_that_say_why_are_left_out(self) -> None:
        exempt = [model._meta.label for model in apps.get_models() if hasattr(model, "NEVER_CARDS")]
        assert exempt == ["crm.SyncedMessage"]
        assert {"browser", "display_settings"} <= {field.name for field in cardscan.columns(Device)}

    def test_tables_without_people_are_read_too(self) -> None:
        organisation = make_organisation()
        put("crm_organisation", "business_address", CARD)
        assert list(cardscan.scan()) == [Finding("crm.organisation", "business_address", str(organisation.pk))]

    def test_a_few_queries_a_table(self, everything: Account, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(6 * len(apps.get_models(include_auto_created=True))):
            list(cardscan.scan())


def test_organisations_are_guarded_too() -> None:
    with pytest.raises(ValidationError):
        make_organisation(name=CARD)
