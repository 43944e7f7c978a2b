"""Retention in the admin: looked at by whoever may, decided by whoever may decide."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape, strip_tags
from pytest_django import Settings

from crasme.crm.models import Account, Invoice
from crasme.crm.services import disputes
from crasme.dashboard import works
from crasme.staff.models import AccessEntry, User
from crasme.staff.roles import AUDITOR, PRIVACY_OFFICER
from retention import drafts, gate, holds, ordering, services, tasks
from retention.models import BackupSet, ErasureParked, Hold, HoldItem, Plan, PlanOrder, Rule, Run
from tests.builders import make_user, sign_in
from tests.retention import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client: Client) -> User:
    return sign_in(client, make_user(PRIVACY_OFFICER))


@pytest.fixture
def rows(db: None) -> dict[str, object]:
    account = builders.account(closed=timezone.now() - timedelta(days=91))
    hold = builders.hold(holds.account(builders.account().pk))
    made = timezone.now() - timedelta(days=10)
    BackupSet.objects.create(name="b", kind="wal", location="b", made_at=made, expires_at=made + timedelta(days=30))
    Rule.objects.filter(slug="account-closed").update(max_rows=0)
    run = services.run_rule(builders.rule("account-closed"), now=timezone.now(), actor="system:retention")
    return {"account": account, "hold": hold, "run": run}


@pytest.mark.parametrize("role", [PRIVACY_OFFICER, AUDITOR])
@pytest.mark.parametrize("name", ["rule", "run", "hold", "backupset"])
def test_lists_and_pages_open(client: Client, rows: dict[str, object], name: str, role: str) -> None:
    sign_in(client, make_user(role))
    listed = client.get(reverse(f"admin:retention_{name}_changelist"))
    assert listed.status_code == 200
    model = {"rule": Rule, "run": Run, "hold": Hold, "backupset": BackupSet}[name]
    first = model._default_manager.first()
    assert first is not None
    assert str(first.pk) in listed.content.decode()
    Run.objects.update(last_error="operational-error")
    page = client.get(reverse(f"admin:retention_{name}_change", args=[first.pk]))
    assert page.status_code == 200
    assert ("The database could not be reached, or was too busy." in page.content.decode()) == (name == "run")


@pytest.mark.usefixtures("rows")
def test_a_rules_page_counts_what_is_due_and_what_is_kept(client: Client, officer: User) -> None:
    for _number in range(2):
        builders.account(closed=timezone.now() - timedelta(days=91), on_hold=True)
    rule = builders.rule("account-closed")
    page = client.get(reverse("admin:retention_rule_change", args=[rule.pk]))
    assert page.status_code == 200
    shown = page.context["adminform"].model_admin
    assert (shown.over_now(rule), shown.kept_now(rule)) == ("1", "2")
    assert shown.over_in_all(rule).startswith("3:")
    # In words where nothing is to be changed; a draft is not in force.
    text = page.content.decode()
    for words in (
        "accounts (crm.account)",
        "closed at (closed_at)",
        "90 days (P90D)",
        "erase accounts",
        "50 %",
    ):
        assert words in text, words
    decided = {"quasi": ["currency"], "k": 5, "adversary": "a <b>", "owner": officer.ref, "review_on": "2027-01-01"}
    of_bills = Rule(target="crm.invoice", action=Rule.Action.ANONYMISE, anonymity=decided)
    assert all(
        words in shown.anonymity_words(of_bills)
        for words in ("currency", "<p>rows that look alike, at least: 5</p>", "a &lt;b")
    )
    of_bills.anonymity = decided | {"harmless": ["no_more"]}  # a column of former times: the page opens all the same
    assert "no_more" in shown.anonymity_words(of_bills)
    draft = drafts.succeed(rule, actor=officer.ref, now=timezone.now())
    text = client.get(reverse("admin:retention_rule_change", args=[draft.pk])).content.decode()
    assert "not in force yet" in text
    listed = client.get(reverse("admin:retention_rule_changelist")).context["cl"].result_list
    named = [shown.name(each) for each in listed if each.slug == rule.slug]
    assert named == ["account-closed (draft)", "account-closed"]
    assert 'name="period"' in text


def confirmed(client: Client) -> User:
    """An officer who has just given the password again."""
    user = sign_in(client, make_user(PRIVACY_OFFICER, password="an-officers-password"))
    client.post("/accounts/reauthenticate/", {"password": "an-officers-password"})
    return user


def act(client: Client, page: str, button: str, pk: object, **fields: str) -> None:
    url = reverse(f"admin:retention_{page}_{button}", args=[pk])
    assert client.post(url, {"_form_submitted": "1", **fields}, follow=True).status_code == 200


def test_a_waiting_run_is_approved_by_who_may(client: Client, rows: dict[str, object]) -> None:
    run = Run.objects.get()
    sign_in(client, make_user(AUDITOR))
    client.post(reverse("admin:retention_run_approve", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == Run.State.WAITING
    officer = confirmed(client)
    assert run.plan is not None
    asked = client.get(reverse("admin:retention_run_approve_first", args=[run.pk])).content.decode()
    unasked = client.get(reverse("admin:retention_run_change", args=[run.pk])).content.decode()
    for words in (
        "none of 1 row yet",
        "waits for a first person",
        "Two people who may approve large runs",
        "first of two",
    ):
        assert words in unasked
    assert "<progress" not in unasked
    (line,) = (each for each in works.runs() if each.run == run)
    assert "1 row waits" in render_to_string("admin/dashboard/runs.html", {"dashboard": {"runs": [line]}})
    assert all(
        words in asked
        for words in (
            run.plan.hash,
            "Of accounts (crm.account) dated before",
            " UTC, 1 account would be erased; ",
            "Erased accounts do not come back.",
            "more than the 0 rows of its limit",
        )
    )
    run.refresh_from_db()
    assert run.state == Run.State.WAITING
    act(client, "run", "approve_first", run.pk, plan="of another day")
    act(client, "run", "approve", run.pk, plan=run.plan.hash)
    run.refresh_from_db()
    assert (run.state, run.is_approved_once) == (Run.State.WAITING, False), "one person alone"
    act(client, "run", "approve_first", run.pk, plan=run.plan.hash)
    act(client, "run", "plan_anew", run.pk)
    old = run.plan.hash
    run.refresh_from_db()
    assert (run.state, run.plan.hash == old, run.is_approved_once) == (Run.State.WAITING, False, False)
    act(client, "run", "approve_first", run.pk, plan=run.plan.hash)
    act(client, "run", "approve", run.pk, plan=run.plan.hash)
    page = client.get(reverse("admin:retention_run_change", args=[run.pk])).content.decode()
    run.refresh_from_db()
    assert (run.state, run.requested_by) == (Run.State.WAITING, officer.ref)
    assert reverse("admin:retention_run_approve", args=[run.pk]) not in page, "whoever asked may not approve"
    assert "waits for a second person" in page
    assert "still to be erased, once two people have approved it" in page
    assert not re.search(r"(?i)stand(s|ing)? (for|up)|ask(s|ed)? for (it|this run)|answers for", strip_tags(page))
    second = confirmed(client)
    act(client, "run", "approve", run.pk, plan=old)
    run.refresh_from_db()
    assert run.state == Run.State.WAITING
    act(client, "run", "approve", run.pk, plan=run.plan.hash)
    run.refresh_from_db()
    assert (run.state, run.approved_by) == (Run.State.RUNNING, second.ref)
    # While it is at work its page follows it and says how long it will be.
    run.rows_due, run.rows_total, run.busy = 40_000, 12_000, timedelta(minutes=3)
    run.progress |= {"tree": [(8, "0" * 64), (4, "0" * 64)]}
    run.save()
    at_work = client.get(reverse("admin:retention_run_change", args=[run.pk]))
    assert at_work["Refresh"] == "5"
    shown = at_work.context["adminform"].model_admin
    assert [shown.begun(run), shown.first_approval(run)] == ["the system (retention)", str(officer)]
    assert "30 % of 40,000 rows, 12 of about 40 batches, about 7 minutes left" in at_work.content.decode()


@pytest.mark.usefixtures("rows", "officer")
def test_retention_speaks_plainly_to_people_who_know_privacy_and_no_databases(client: Client) -> None:
    run = Run.objects.get()
    assert run.plan is not None
    usage = builders.rule("usage")
    pages = [reverse(f"admin:retention_{name}_changelist") for name in ("rule", "run", "plan")]
    pages += [
        reverse(f"admin:retention_{each._meta.model_name}_change", args=[each.pk]) for each in (usage, run, run.plan)
    ]
    read = {}
    for page in pages:
        html = client.get(page).content.decode()
        read[page] = strip_tags(re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)).lower()
        jargon = ("cut-off", "tolerance", "drain", "partition", "wal bytes", "canonical", "in hex", "(&#x27;")
        assert [word for word in jargon if word in read[page]] == []
    assert all("dated before" in read[page] for page in pages[:2] + pages[3:])
    assert "remove whole months" in read[pages[0]]
    assert "usage events (crm.usageevent)" in read[pages[0]]
    assert "waits for a first person" in read[pages[4]]
    assert run.plan.hash not in read[pages[2]]
    assert run.plan.hash[:12] in read[pages[2]]


@pytest.mark.usefixtures("rows")
def test_a_plan_is_drawn_for_a_day_to_come_and_shown(client: Client, officer: User) -> None:
    builders.account(closed=timezone.now() - timedelta(days=60))
    later = (timezone.now() + timedelta(days=40)).date()
    for day, words in (("9999-12-31", "ten years ahead at most"), ("0001-01-01", "today or a day to come")):
        refused = client.post(reverse("admin:retention_plan_add"), {"day": day})
        assert words in str(refused.context["adminform"].form.errors["day"])
    drawn = client.post(reverse("admin:retention_plan_add"), {"day": later.isoformat()}, follow=True)
    order = PlanOrder.objects.get()
    assert f"0 of {order.rules} rules counted" in drawn.content.decode()
    assert (drawn["Refresh"], Plan.objects.filter(runs=None).exists()) == ("3", False)
    PlanOrder.objects.update(asked_at=timezone.now() - timedelta(hours=9))  # no worker was there
    assert (tasks.draw_plans(), tasks.draw_plans()) == (1, 0)
    plan = Plan.objects.get(runs=None)
    assert timezone.now() - plan.made_at < timedelta(hours=1), "it says when it was counted"
    order.refresh_from_db()
    assert (order.plan, order.counted, order.is_open) == (plan, order.rules, False)
    shown = client.get(reverse("admin:retention_plan_changelist"))
    assert ("The plan is drawn." in shown.content.decode(), "Refresh" in shown) == (True, False)
    ordering.draw_all(timezone.now() + timedelta(days=2))
    assert not PlanOrder.objects.exists()
    assert (plan.at.date(), plan.made_by) == (later, officer.ref)
    assert next(line["rows"] for line in plan.lines if line["rule"] == "account-closed") == 2
    page = client.get(reverse("admin:retention_plan_change", args=[plan.pk])).content.decode()
    assert drawn.status_code == 200
    assert all(words in page for words in (plan.hash, "more than the 0 rows of its limit"))
    assert client.get(reverse("admin:retention_plan_changelist")).status_code == 200
    sign_in(client, make_user(AUDITOR))
    assert client.get(reverse("admin:retention_plan_add")).status_code == 403


def item(number: int, **fields: object) -> dict[str, object]:
    return {f"items-{number}-{name}": value for name, value in fields.items()}


def form(**items: object) -> dict[str, object]:
    return {
        "matter": "M-99",
        "reason": "A court asked.",
        "review_on": "2030-01-01",
        "items-TOTAL_FORMS": "2",
        "items-INITIAL_FORMS": "0",
        "items-MIN_NUM_FORMS": "0",
        "items-MAX_NUM_FORMS": "1000",
        **items,
    }


def test_a_search_for_whom_to_hold_names_them_and_is_logged(client: Client, officer: User) -> None:
    account = builders.account(full_name="Ana Lima", email="ana@example.com")
    asked = {"app_label": "retention", "model_name": "holditem", "field_name": "account", "term": "ana@"}
    found = client.post(reverse("admin:autocomplete"), asked).json()["results"]
    words = f"Ana Lima, ana@example.com, {account.organisation.name} ({account.pk.hex[-8:]})"
    assert [each["text"] for each in found] == [words]
    assert client.get(reverse("admin:autocomplete"), asked).status_code == 405  # words stand in no address
    logged = AccessEntry.objects.latest("at")
    assert (logged.table, logged.action, logged.rows) == ("crm.account", "search", 1)
    # A form that comes back says it still; the row itself never does.
    again = client.post(reverse("admin:retention_hold_add"), form(**item(0, scope="category", account=account.pk)))
    assert (escape(words) in again.content.decode(), str(account)) == (True, f"account {account.pk.hex[-8:]}")


def test_a_hold_is_placed_with_its_items_and_released(client: Client, officer: User) -> None:
    account = builders.account(full_name="Ana Lima")
    items = item(0, scope="account", account=account.pk) | item(1, scope="category", category="P7.2")
    invoice = builders.invoice(account, timezone.now().date())
    items |= item(2, scope="record", label="crm.invoice", record=invoice.pk) | {"items-TOTAL_FORMS": "3"}
    assert "invoices (crm.invoice)" in client.get(reverse("admin:retention_hold_add")).content.decode()
    placed = client.post(reverse("admin:retention_hold_add"), form(**items), follow=True)
    (told,) = [str(each) for each in placed.context["messages"] if "keeps now" in str(each)]
    assert "accounts: 1" in told
    assert "invoices: 1" in told
    listed = client.get(reverse("admin:retention_hold_changelist")).content.decode()
    assert re.search(r"one account; a category of data \([a-z ]+\); one record \(crm.invoice\)", listed)
    hold = Hold.objects.get(matter="M-99")
    page = client.get(reverse("admin:retention_hold_change", args=[hold.pk])).content.decode()
    assert f"one account: account {account.pk.hex[-8:]}" in page
    assert f"one record (crm.invoice): invoices (crm.invoice), {invoice.pk}" in page
    assert ("Ana Lima" in page, "held-of" in page) == (False, False)
    assert (hold.owner, hold.placed_by, hold.items.count()) == (officer, officer.ref, 3)
    account.refresh_from_db()
    assert account.on_hold
    act(client, "hold", "release", hold.pk)
    hold.refresh_from_db()
    account.refresh_from_db()
    assert (hold.released_by, account.on_hold) == (officer.ref, False)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"scope": "account"}, {"account": "Choose the account."}),
        ({"scope": "account", "account": "no-key"}, {"account": "not a valid UUID"}),
        ({"scope": "organisation", "organisation": "7"}, {"organisation": "not a valid UUID"}),
        ({"scope": "period", "since": "2024-02-01"}, {"until": "Give the first day no longer covered."}),
        ({"scope": "category", "category": "P7.2", "record": "x"}, {"record": "leave it empty"}),
        ({"scope": "record", "label": "crm.invoice", "record": "nothing"}, {"record": "no such record in invoices"}),
        ({"scope": "record", "label": "crm.bill", "record": "x"}, {"label": "Select a valid choice"}),
        ({"scope": "period", "since": "2024-02-01", "until": "2024-01-01"}, {"__all__": "must end after"}),
    ],
)
def test_a_hold_that_cannot_be_kept_is_refused_at_its_field(
    client: Client, officer: User, fields: dict[str, object], faults: dict[str, str]
) -> None:
    answer = client.post(reverse("admin:retention_hold_add"), form(**item(0, **fields)))
    assert answer.status_code == 200
    (inline,) = answer.context["inline_admin_formsets"]
    errors = inline.formset.errors[0]
    assert set(errors) == set(faults)
    assert all(words in str(errors[name]) for name, words in faults.items())
    assert "retention/hold" in answer.content.decode()
    assert not HoldItem.objects.exists()


def test_a_hold_on_nothing_or_reviewed_in_the_past_is_refused(client: Client, officer: User) -> None:
    client.post(reverse("admin:retention_hold_add"), form(), follow=True)
    late = form(**item(0, scope="category", category="P7.2"), review_on="2020-01-01")
    refused = client.post(reverse("admin:retention_hold_add"), late)
    assert refused.context["adminform"].form.errors == {"review_on": ["The review date lies in the past."]}
    assert not Hold.objects.exists()


def test_an_auditor_places_and_releases_nothing(client: Client, rows: dict[str, object]) -> None:
    sign_in(client, make_user(AUDITOR))
    assert client.get(reverse("admin:retention_hold_add")).status_code == 403
    hold = Hold.objects.get()
    client.post(reverse("admin:retention_hold_release", args=[hold.pk]))
    hold.refresh_from_db()
    assert hold.released_at is None


def test_nobody_deletes_or_changes_rows_by_hand(client: Client, rows: dict[str, object]) -> None:
    sign_in(client, make_user(is_superuser=True))
    for name, model in (("rule", Rule), ("run", Run), ("hold", Hold), ("backupset", BackupSet)):
        first = model._default_manager.first()
        assert first is not None
        assert client.get(reverse(f"admin:retention_{name}_delete", args=[first.pk])).status_code == 403


def test_looking_at_a_hold_is_logged(client: Client, officer: User, rows: dict[str, object]) -> None:
    client.get(reverse("admin:retention_hold_change", args=[Hold.objects.get().pk]))
    assert AccessEntry.objects.filter(user=officer, table="retention.hold", action="view").count() == 1
    assert Account.objects.exists()


def test_the_backups_page_shows_both_ends_of_the_ledger_and_strays(
    client: Client, officer: User, settings: Settings, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path
    (tmp_path / "stray.dump").write_text("rows")
    builders.hold(holds.account(builders.account().pk))
    page = client.get(reverse("admin:retention_backupset_changelist"))
    assert (page.context["gate"].is_open, page.context["gate"].head.number, page.context["gate"].at.number) == (
        True,
        2,
        2,
    )
    assert "stray.dump" in page.content.decode()
    accepted = {"accepted_at": timezone.now(), "accepted_by": officer.ref, "reason": "Its table is gone."}
    ErasureParked.objects.create(
        number=1, act="erasure", line="{}", error="lookup-error", parked_at=timezone.now(), **accepted
    )
    page = client.get(reverse("admin:retention_backupset_changelist"))
    assert "The program has a fault here; the log says more. (lookup-error)" in page.content.decode()
    assert "Its table is gone." in page.content.decode()
    assert "gate" not in client.get("/admin/").context["dashboard"]
    ledger = Path(settings.ERASURE_LEDGER_URL)
    ledger.write_text("")  # within the seconds for which an answer counts, the pages still open
    assert "erasures rebuild" in client.get("/admin/").content.decode()
    assert "erasures rebuild" in client.get(reverse("admin:retention_backupset_changelist")).content.decode()
    gate.forget()
    assert client.get("/admin/").status_code == 503


def test_a_processors_copy_is_confirmed_by_whoever_may(client: Client, officer: User) -> None:
    made = timezone.now() - timedelta(days=40)
    theirs = BackupSet.objects.create(
        name="t", kind="processor", location="Hosting", made_at=made, expires_at=made + timedelta(days=30)
    )
    ours = BackupSet.objects.create(name="o", kind="wal", location="o", made_at=made, expires_at=timezone.now())
    address = reverse("admin:retention_backupset_seen_gone", args=[theirs.pk])
    assert address in client.get(reverse("admin:retention_backupset_change", args=[theirs.pk])).content.decode()
    assert "seen_gone" not in client.get(reverse("admin:retention_backupset_change", args=[ours.pk])).content.decode()
    client.post(reverse("admin:retention_backupset_seen_gone", args=[ours.pk]))
    client.post(address)
    theirs.refresh_from_db()
    ours.refresh_from_db()
    assert (theirs.verified_gone_at is not None, ours.verified_gone_at) == (True, None)
    sign_in(client, make_user(AUDITOR))
    assert client.post(address).status_code == 403


def test_the_page_of_a_row_says_until_when_it_is_kept_and_why(
    client: Client, officer: User, django_assert_max_num_queries: Any
) -> None:
    account = builders.furnish(builders.account(closed=timezone.now() - timedelta(days=10)))
    page = reverse("admin:crm_account_change", args=[account.pk])
    hold = builders.hold(holds.account(account.pk), matter="M-4711")
    until = (account.closed_at + timedelta(days=90)).date().isoformat()
    with django_assert_max_num_queries(45):
        shown = client.get(page).content.decode()
    assert f"Kept until {until}" in shown
    assert "hold M-4711" in shown
    assert reverse("admin:retention_hold_change", args=[hold.pk]) in shown
    assert reverse("admin:retention_rule_change", args=[builders.rule("account-closed").pk]) in shown
    # Table by table, when it is asked for: the contact ends with the account, the usage by its own rule.
    assert "kept whatever it says" not in shown
    assert "?dependants=1#dependants" in shown
    with django_assert_max_num_queries(160):
        asked = client.get(f"{page}?dependants=1").content.decode()
    assert "Usage events" in asked
    assert "kept whatever it says" in asked
    device = client.get(reverse("admin:crm_device_change", args=[account.devices.get().pk])).content.decode()
    assert f"Kept until {until}" in device
    assert "at least; no end while the hold lasts" in shown
    assert account.full_name in shown.split('id="whom"', 1)[1].split("</h2>")[0]
    assert '<details class="dash-card">' in shown
    # Before the period has begun, the one line says how long it is and by what it begins.
    open_one = builders.furnish(builders.account())
    for row, date in ((open_one, "closed at"), (open_one.devices.get(), "account: closed at")):
        shown_open = client.get(reverse(f"admin:crm_{row._meta.model_name}_change", args=[row.pk])).content.decode()
        assert f"<h2>No end yet: kept for 90 days, counted from “{date}”, which is still open</h2>" in shown_open
    # Who may not look at holds learns that there is one, not which.
    agent = sign_in(client, make_user())
    agent.user_permissions.add(Permission.objects.get(codename="view_account"))
    shown = client.get(page).content.decode()
    assert "on hold" in shown
    assert "M-4711" not in shown
    # Of an invoice the very question is asked: its panel is open, and no column contradicts it, whatever the scope.
    sign_in(client, officer)
    invoice = builders.invoice(account, timezone.now().date() - timedelta(days=30))
    free = builders.invoice(builders.account(), timezone.now().date() - timedelta(days=300))
    builders.hold(holds.period(invoice.issued_on, invoice.issued_on + timedelta(days=1)), matter="T-1")
    holds.release(hold, actor=officer.ref, now=timezone.now())
    disputes.open_dispute(invoice, reason="amount", actor=officer.ref, now=timezone.now())
    one = client.get(reverse("admin:crm_invoice_change", args=[invoice.pk])).content.decode()
    for words in (
        '<details class="dash-card" open>',
        "hold T-1",
        "no end while the hold lasts",
        "legal hold, open dispute",
    ):
        assert words in one
    listed = client.get(reverse("admin:crm_invoice_changelist")).context["cl"].result_list
    admin_of: Any = site.get_model_admin(Invoice)
    assert {each.pk: admin_of.kept_by(each) for each in listed} == {
        invoice.pk: "legal hold, open dispute",
        free.pk: "–",
    }
