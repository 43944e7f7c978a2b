"""Portable data: what the person gave and what was observed, and nothing else, in files that describe themselves."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import jsonschema
import pytest

from crasme.crm import datamap as crm
from crasme.crm.models import UsageEvent
from crasme.kit.datamap import Table
from crasme.staff.models import User
from privacy.models import Request
from privacy.packages import content
from privacy.services import approvals, packages, plans
from privacy.states import Outcome, State
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
    reviewed_request,
    run_steps,
)
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


def archive_of(agent: User) -> tuple[Request, zipfile.ZipFile]:
    request = reviewed_request("portability", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    assert not any(label.startswith("privacy.") for label in plan.content["tables"])
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    return request, zipfile.ZipFile(io.BytesIO(b"".join(packages.contents(request.packages.get()))))


def test_only_what_was_given_or_observed_is_taken_along(agent: User) -> None:
    account = make_account(email=ADDRESS, full_name="Ana Nováková")
    make_credential(account)
    make_billing_profile(account)
    make_invoice(account)
    make_device(account, display_settings={"theme": "dark"})
    make_integration(account, messages=2)
    make_deal(account, contact=make_contact(account), value="1234.50")
    make_note(account)
    make_events(account, [NOW - timedelta(hours=1)], duration_ms=1200, detail={"query": "=SUM(1)"})
    make_billing_profile(make_account(), billing_email=ADDRESS)  # a colleague's row that names the person

    request, archive = archive_of(agent)

    tables = {name[5:-5] for name in archive.namelist() if name.startswith("data/") and name.endswith(".json")}
    assert tables == {
        "crm-account", "crm-billingprofile", "crm-credential", "crm-device", "crm-usageevent", "crm-contact",
        "crm-deal", "crm-note",
    }  # fmt: skip
    assert request.packages.get().rows["crm.BillingProfile"] == 1
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert account.credential.password_hash.encode() not in everything
    page = archive.read("index.html").decode()
    assert "http" not in page.replace("http-equiv", "")  # opening it contacts nobody
    assert "schema/crm-deal.schema.json" in page
    (letter,) = [mail for mail in deliver(NOW + timedelta(minutes=1)) if "taken along" in str(mail["Subject"])]
    assert "/requests/confirm/" in str(letter)

    # Every file keeps to its schema, field by field, and the dictionary names them all.
    described = list(csv.DictReader(io.TextIOWrapper(archive.open("dictionary.csv"), "utf-8-sig")))
    for table in tables:
        schema = json.loads(archive.read(f"schema/{table}.schema.json"))
        rows = json.loads(archive.read(f"data/{table}.json"))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(rows)
        named = [line["field"] for line in described if line["file"] == f"data/{table}.json"]
        assert named == list(schema["items"]["properties"]) == list(rows[0])
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate([rows[0] | {"more": 1}])
    deal = json.loads(archive.read("schema/crm-deal.schema.json"))["items"]["properties"]
    assert (deal["value"]["type"], deal["created_at"]["format"], deal["contact"]["type"]) == (
        "string", "date-time", ["string", "null"],
    )  # fmt: skip
    assert "won = won" in next(line["values"] for line in described if line["field"] == "stage")
    about = json.loads(archive.read("about.json"))
    assert about["tables"][0]["schema"] == "schema/crm-account.schema.json"
    assert {table["source"] for table in about["tables"]} == {
        "given by the person",
        "collected when the product is used",
    }


def test_whoever_has_nothing_gets_a_file_that_says_so(agent: User) -> None:
    request, archive = archive_of(agent)
    assert set(archive.namelist()) == {"about.json", "index.html", "dictionary.csv"}
    deliver(NOW + timedelta(minutes=1))
    assert "We hold nothing that you gave us" in str(request.messages.get(template="portable").body)


def test_a_table_says_by_its_source_whether_it_is_taken_along() -> None:
    portable = {table.label for table in content.portable()}
    sources = {table.label: table for table in crm.TABLES if isinstance(table, Table)}
    assert "crm.Invoice" not in portable  # we made it
    assert {"crm.Integration", "crm.SyncedMessage"}.isdisjoint(portable)  # another service gave it
    assert sources["crm.UsageEvent"].portable
    assert UsageEvent._meta.label in portable
    assert not any(label.startswith(("privacy.", "staff.")) for label in portable)
