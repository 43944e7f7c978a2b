"""An access request from the form to the file in the person's hands."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from django.utils import translation
from django.utils.formats import date_format

from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.errors import MoveNotAllowed, NotYours, PackageGone, PlanOutdated
from privacy.models import Package, Request
from privacy.packages import files
from privacy.services import approvals, packages, plans
from privacy.states import Outcome, State
from tests.builders import (
    NOW,
    make_account,
    make_billing_profile,
    make_credential,
    make_device,
    make_integration,
    make_invoice,
    make_user,
    reviewed_request,
    run_steps,
)

pytestmark = pytest.mark.django_db


def released(agent: User, email: str = "ana@customer.example") -> Request:
    request = reviewed_request("access", email)
    plan = plans.current(request)
    assert plan is not None
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps()
    request.refresh_from_db()
    return request


def archive_of(request: Request) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(packages.contents(request.packages.get()))))


def test_the_person_gets_everything_that_is_held_and_no_secret(agent: User) -> None:
    account = make_account(email="ana@customer.example", full_name="Ana =cmd() Černá")
    make_credential(account)
    make_device(account)
    make_invoice(account)
    make_integration(account, messages=3)
    make_account(email="somebody.else@customer.example")

    request = released(agent)

    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    archive = archive_of(request)
    assert archive.testzip() is None
    names = set(archive.namelist())
    assert {
        "index.html",
        "about.json",
        "data/crm-account.json",
        "data/crm-account.csv",
        "data/crm-invoice.json",
    } <= names
    accounts = json.loads(archive.read("data/crm-account.json"))
    assert [row["email"] for row in accounts] == ["ana@customer.example"]
    assert accounts[0]["full_name"] == "Ana =cmd() Černá"
    assert len(json.loads(archive.read("data/crm-syncedmessage.json"))) == 3
    everything = b"".join(archive.read(name) for name in names)
    assert b"ya29.access" not in everything
    assert account.credential.password_hash.encode() not in everything
    assert b"somebody.else" not in everything


def test_csv_and_json_hold_the_same_rows_and_formulas_are_defused(agent: User) -> None:
    make_account(email="ana@customer.example", job_title="=HYPERLINK(1)")
    archive = archive_of(released(agent))
    (row,) = csv.DictReader(io.TextIOWrapper(archive.open("data/crm-account.csv"), "utf-8-sig"))
    assert row["job_title"] == "'=HYPERLINK(1)"
    (plain,) = json.loads(archive.read("data/crm-account.json"))
    assert plain["job_title"] == "=HYPERLINK(1)"
    assert row["id"] == plain["id"]


def test_the_summary_answers_what_the_law_asks(agent: User) -> None:
    account = make_account(email="ana@customer.example")
    make_billing_profile(make_account(), billing_email=account.email)  # somebody else's, that names her
    make_invoice(account)
    archive = archive_of(released(agent))
    page = archive.read("index.html").decode()
    assert f'<dd dir="auto">{account.organisation.name}</dd>' in page
    assert str(account.organisation_id) not in page
    assert json.loads(archive.read("data/crm-account.json"))[0]["organisation"] == str(account.organisation_id)
    # Where it came from, table by table (GDPR Art. 15(1)(g)).
    row = r'<a href="#([^"]+)">[^<]*</a></th><td class="num">[^<]*</td><td>[^<]*</td><td>([^<]*)</td>'
    sources = dict(re.findall(row, page))
    assert sources["crm-account"] == "from you"
    assert sources["crm-invoice"] == "made when the subscription was billed"
    assert sources["crm-billingprofile-mentions"] == "given by somebody else, in whose record it stands"
    assert sources["privacy-step"] == "made while the request was worked on"
    assert '<html lang="en" dir="ltr">' in page
    assert "http" not in page.replace("http-equiv", "")  # opening it contacts nobody
    assert "7 years" in page
    assert "Tax and commercial law" in page
    about = json.loads(archive.read("about.json"))
    invoices = next(table for table in about["tables"] if "data/crm-invoice.csv" in table["files"])
    assert invoices["purposes"]
    assert invoices["source"]
    assert "7 years" in invoices["kept_for"]
    assert invoices["kept_because"]
    # What an erasure leaves of the account stays for another reason, and longer, than the account itself.
    account = next(table for table in about["tables"] if "data/crm-account.csv" in table["files"])
    assert "90 days" in account["kept_for"]
    assert "7 years" in account["stays_for"]
    stays = page.partition("What would stay if you asked for deletion")[2].partition("Who else receives it")[0]
    assert ("90 days" in stays, "7 years" in stays) == (False, True)
    assert about["controller"]["company"]


def test_the_page_of_a_copy_speaks_to_people_and_the_files_to_machines(agent: User) -> None:
    account = make_account(email="ana@customer.example", role="member")
    make_device(account)
    request = reviewed_request("access", "ana@customer.example")
    Request.objects.filter(pk=request.pk).update(language="de")
    request.refresh_from_db()
    approvals.release(request, plan_hash=plans.current(request).hash, by=agent, now=NOW)  # type: ignore[union-attr]
    run_steps()
    archive = archive_of(request)
    page = archive.read("index.html").decode()
    raw = re.findall(r"<dd[^>]*>([^<]*(?:\d{4}-\d\d-\d\dT|\+00:00|None|True|False|\{&quot;)[^<]*)</dd>", page)
    assert not raw
    with translation.override("de"):
        made = f"{date_format(account.created_at, 'DATETIME_FORMAT')} UTC"
    assert {f'<dd dir="auto">{text}</dd>' in page for text in ("Mitglied", "Nein", "–", made)} == {True}
    (plain,) = json.loads(archive.read("data/crm-account.json"))
    assert (plain["role"], plain["closed_at"]) == ("member", None)
    assert plain["created_at"] == account.created_at.isoformat()


def test_somebody_unknown_gets_a_copy_of_the_request_itself(agent: User) -> None:
    request = released(agent, "stranger@nowhere.example")
    assert set(request.packages.get().rows) == {
        f"privacy.{name}" for name in ("Person", "Request", "ClockEvent", "Step", "Verification", "Message", "Plan")
    }
    assert request.messages.filter(template="package-ready").count() == 1


def test_the_stored_file_is_encrypted_and_its_hash_is_that_of_the_zip(agent: User) -> None:
    make_account(email="ana@customer.example")
    package = released(agent).packages.get()
    stored = files.path_of(package.file_name).read_bytes()
    assert b"PK\x03\x04" not in stored
    assert b"ana@" not in stored
    plain = b"".join(packages.contents(package))
    assert len(plain) == package.size
    assert not [path for path in files.folder().iterdir() if path.name != package.file_name]


def test_a_copy_ends_with_its_period_and_takes_the_file_along(
    agent: User, django_capture_on_commit_callbacks: object
) -> None:
    package = released(agent).packages.get()
    assert package.expires_at - package.made_at == timedelta(days=14)
    assert packages.expire(package.expires_at - timedelta(seconds=1)) == 0
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert packages.expire(package.expires_at) == 1
    package.refresh_from_db()
    assert (package.key, package.deleted_at) == (None, package.expires_at)
    assert not files.path_of(package.file_name).exists()
    with pytest.raises(PackageGone):
        packages.fetch(package, now=NOW)
    assert packages.expire(package.expires_at) == 0


def test_each_download_is_counted_and_recorded(agent: User) -> None:
    package = released(agent).packages.get()
    for count in (1, 2):
        assert b"".join(packages.fetch(package, now=NOW))[:2] == b"PK"
        assert Package.objects.get().downloads == count
    assert Entry.objects.filter(verb="request.downloaded").count() == 2


def test_only_the_plan_that_was_seen_can_be_approved(agent: User) -> None:
    request = reviewed_request()
    with pytest.raises(PlanOutdated):
        approvals.release(request, plan_hash="0" * 64, by=agent, now=NOW)
    with pytest.raises(MoveNotAllowed):
        approvals.propose_erasure(request, plan_hash="0" * 64, by=agent, now=NOW)
    with pytest.raises(NotYours):
        approvals.release(request, plan_hash="0" * 64, by=make_user("Auditor"), now=NOW)
    request.refresh_from_db()
    assert request.state == State.REVIEW


def test_the_story_is_in_the_ledger_without_any_personal_data(agent: User) -> None:
    make_account(email="ana@customer.example", full_name="Ana Nováková")
    request = released(agent)
    story = Entry.objects.filter(subject=request.ref).order_by("id")
    verbs = [entry.verb for entry in story]
    assert verbs[0] == "request.received"
    assert verbs[-2:] == ["request.closed", "request.step_done"]
    assert "request.packaged" in verbs
    told = str(list(Entry.objects.values("facts", "actor", "subject")))
    assert "ana@" not in told
    assert "Nováková" not in told
