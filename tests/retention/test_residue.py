"""A canary planted everywhere is found everywhere, and after the erasure nowhere."""

import json
from datetime import date

import pytest
from django.apps import apps
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.utils.module_loading import import_string

from crasme.crm.models import Account, Device, Integration, Note, Organisation
from crasme.kit.datamap import Subject
from retention import erasure, residue
from retention.errors import TooShortToSearch
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

CANARY = 'Zwitscher_100%-Canary\\"x'


def places(identifiers: list[str], *, kept: bool = False) -> set[tuple[str, str]]:
    return {(hit.label, hit.field) for hit in residue.search(identifiers, kept=kept)}


@pytest.fixture
def leaver() -> Account:
    account = builders.account(full_name=CANARY, phone=CANARY, business_address=CANARY, job_title=CANARY)
    builders.furnish(account, mark=CANARY)
    builders.invoice(account, date(2024, 1, 1), billed_name=CANARY, billed_address=CANARY)
    return account


def test_the_canary_is_found_in_text_json_encrypted_columns_and_partitions(leaver: Account) -> None:
    found = places([CANARY.upper()])
    assert {
        ("crm.Account", "full_name"),
        ("crm.Device", "display_settings"),
        ("crm.Integration", "access_token"),
        ("crm.UsageEvent", "detail"),
        ("crm.Note", "body"),
        ("crm.SyncedMessage", "provider_id"),
    } <= found
    assert ("crm.Invoice", "billed_name") not in found


def test_every_text_column_of_the_crm_can_hold_the_canary(leaver: Account) -> None:
    """Guards the test above: a column that cannot be found is a column that hides people."""
    textual = (models.TextField, models.JSONField)
    expected = {
        (model._meta.label, field.name)
        for model in apps.get_app_config("crm").get_models()
        if model is not Organisation and model._meta.label != "crm.HeldUsageEvent"
        for field in model._meta.concrete_fields
        if isinstance(field, textual) and not field.choices
    }
    planted = places([CANARY], kept=True)
    assert expected - planted == {("crm.Integration", "scopes")}


def test_what_the_law_keeps_is_shown_with_its_reason_only_when_asked(leaver: Account) -> None:
    hits = [hit for hit in residue.search([CANARY], kept=True) if hit.reason]
    assert {(hit.label, hit.field) for hit in hits} == {
        ("crm.Invoice", "billed_name"),
        ("crm.Invoice", "billed_address"),
    }
    assert all("seven years" in hit.reason for hit in hits)


def test_after_an_erasure_nothing_is_left(leaver: Account) -> None:
    subject = Subject.of(account=leaver.pk, email=leaver.email)
    needles = [CANARY, leaver.email]
    assert places(needles)
    erasure.erase(subject, plan_hash=erasure.preview(subject, NOW).hash, actor="staff:test", now=NOW)
    assert residue.search(needles) == []


def test_tables_without_a_model_the_admin_log_and_sessions_are_searched_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE forgotten_import (line integer PRIMARY KEY, raw text, tags text[])")
        cursor.execute("INSERT INTO forgotten_import VALUES (7, 'x', ARRAY['a', %s])", [CANARY])
    LogEntry.objects.create(
        user=builders.officer(),
        content_type=ContentType.objects.get_for_model(Account),
        object_id="1",
        object_repr=CANARY,
        action_flag=ADDITION,
        change_message="",
    )
    session = import_string("crasme.staff.sessions.SessionStore")()
    session["note"] = CANARY
    session.save()
    found = places([CANARY], kept=True)
    assert {("forgotten_import", "tags"), ("admin.LogEntry", "object_repr"), ("staff.Session", "session_data")} == found
    (hit,) = [hit for hit in residue.search([CANARY]) if hit.label == "forgotten_import"]
    assert hit.pk == "7"


def test_similar_text_is_no_hit(leaver: Account) -> None:
    assert residue.search([CANARY.replace("_", "x").replace("%", "y")]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ana@Customer.Example", True),
        ("Write to <ANA@customer.example>, please", True),
        ("mailto:ana@customer.example?subject=x", True),
        ("Her address is ana@customer.example.", True),
        ("name=ana@customer.example", True),
        ("_ana@customer.example_", True),
        (json.dumps({"note": "first line\nana@customer.example"}), True),
        (r"\u0061na@customer.example", True),
        ("bob@ana@customer.example", True),
        ("joana@customer.example", False),  # somebody else's
        ("ana@customer.example.org", False),
        ("mari-ana@customer.example", False),
        ("éana@customer.example", False),
        ("ana at customer.example", False),
    ],
)
def test_an_address_is_found_where_it_stands_as_one(text: str, found: bool) -> None:
    note = Note.objects.create(owner=builders.account(), created_at=NOW, body=text)
    device = builders.device(builders.account(), display_settings={"seen": text})
    hits = residue.search(["ana@customer.example"])
    assert {hit.pk for hit in hits} == ({str(note.pk), str(device.pk)} if found else set())


def test_many_people_are_searched_for_at_once_and_each_is_told_apart(leaver: Account) -> None:
    other = builders.furnish(builders.account(email="ünal@customer.example"), mark="o'neil@customer.example")
    stranger = builders.account()
    wanted = {
        "leaver": [leaver.email, CANARY],
        "other": [other.email, "o'neil@customer.example"],
        "stranger": [stranger.email],
        "nobody": ["nobody@customer.example"],
    }
    found = residue.search_many(wanted, kept=True)
    for key, identifiers in wanted.items():
        assert set(found[key]) == set(residue.search(identifiers, kept=True))
    assert {hit.label for hit in found["stranger"]} == {"crm.Account"}
    assert {"crm.BillingProfile", "crm.Integration", "crm.Device"} <= {hit.label for hit in found["other"]}
    assert found["nobody"] == []
    elsewhere = residue.search_many(wanted, kept=True, unless=lambda label: label.startswith("crm."))
    assert not any(elsewhere.values())


def test_short_and_empty_identifiers() -> None:
    with pytest.raises(TooShortToSearch) as refused:
        residue.search(["abc"])
    assert "abc" not in str(refused.value)
    assert residue.search(["", "  "]) == []


def test_the_key_of_the_hit_leads_to_the_row(leaver: Account) -> None:
    (hit,) = [hit for hit in residue.search([CANARY]) if (hit.label, hit.field) == ("crm.Device", "browser")]
    assert Device.objects.get(pk=hit.pk).account == leaver
    (hit,) = [hit for hit in residue.search([CANARY]) if (hit.label, hit.field) == ("crm.Integration", "refresh_token")]
    assert Integration.objects.get(pk=hit.pk).account == leaver
