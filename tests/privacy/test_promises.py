"""The board: it says kept only where the data shows it, and notices each promise that is broken."""

import json
import os
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from hypothesis import given, strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from consent import suppression
from consent.models import Acceptance, Category, CookieSighting, Suppression
from crasme.crm.models import Account
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy import promises
from privacy.models import Message, Recipient, Request, Right
from privacy.policy import publication
from privacy.promises import Status, cardscan, catalogue, registry
from privacy.promises.checks import staff_access
from privacy.promises.checks.requests import working_days
from privacy.services import acceptance
from retention import standing
from retention.models import BackupSet, Rule
from tests.builders import (
    NOW,
    change_rule,
    confirm_request,
    make_account,
    make_credential,
    make_events,
    make_integration,
    make_invoice,
    make_note,
    make_user,
    sign_in,
    submit_request,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def finding(number: str, now: datetime = NOW) -> promises.Finding:
    (found,) = promises.board(now, [number])
    return found


def status(number: str, now: datetime = NOW) -> Status:
    return finding(number, now).status


# --- the whole board -------------------------------------------------------------------------------------------------
def test_every_promise_of_the_policy_is_on_the_board_in_order() -> None:
    board = promises.board(NOW)
    assert [each.promise for each in board] == list(catalogue.TITLES)
    assert {each.section for each in board} == set(range(1, 12))
    assert all(each.evidence for each in board)


def test_a_promise_without_a_check_is_never_kept() -> None:
    unmeasured = [each for each in registry.promises() if each.unmeasured is not None]
    assert {"P4.3", "P3.2"} <= {each.number for each in unmeasured}
    for each in unmeasured:
        assert status(each.number) is Status.UNKNOWN
        assert finding(each.number).evidence == str(each.unmeasured)


def test_a_reason_is_only_given_where_there_is_no_check() -> None:
    assert not set(catalogue.UNMEASURED) & set(registry._loaded())
    assert set(catalogue.UNMEASURED) | set(registry._loaded()) == set(catalogue.TITLES)


def test_a_check_that_fails_is_not_measured_and_takes_no_other_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(now: datetime) -> registry.Verdict:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        raise AssertionError

    monkeypatch.setitem(registry._loaded(), "P8.1", fails)
    board = {each.promise: each for each in promises.board(NOW)}
    assert board["P8.1"].status is Status.UNKNOWN
    assert "DataError" in board["P8.1"].evidence
    assert board["P7.1"].status is Status.KEPT


def test_a_check_belongs_to_one_promise_that_exists() -> None:
    for number in ("P12.1", "P8.1"):
        with pytest.raises(registry.RegistryError, match=number):
            promises.promise(number)(lambda now: registry.Verdict(Status.KEPT, ""))


def test_the_board_asks_a_bounded_number_of_questions(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(116):  # a third of them savepoints
        promises.board(NOW)


# --- what is stored --------------------------------------------------------------------------------------------------
def test_one_password_in_plain_text_breaks_the_promise() -> None:
    make_credential(make_account())
    user = make_user()
    User.objects.filter(pk=user.pk).update(password="correct horse battery staple")
    assert status("P1.1a") is Status.BROKEN
    user.set_password("correct horse battery staple")
    user.save()
    assert status("P1.1a") is Status.KEPT
    assert finding("P1.1a").figures == {"passwords": 2, "weak": 0}


def test_everything_stored_is_declared() -> None:
    assert status("P1.1") is Status.KEPT
    assert finding("P1.1").figures["fields"] > 100


def test_providers_without_a_contract_put_the_promise_at_risk() -> None:
    assert status("P3.1") is Status.AT_RISK
    first = Recipient.objects.active().without_contract().order_by("name").first()
    assert first is not None
    assert first.name in finding("P3.1").evidence
    Recipient.objects.update(contract_on=date(2026, 1, 12))
    assert status("P3.1") is Status.KEPT


def test_what_a_disconnected_service_left_behind_is_seen() -> None:
    account = make_account()
    integration = make_integration(account, messages=2)
    assert status("P7.1") is Status.KEPT
    integration.disconnected_at = NOW
    integration.access_token = integration.refresh_token = integration.sync_cursor = ""
    integration.save()
    assert status("P7.1") is Status.BROKEN
    Account.objects.filter(pk=account.pk).update(on_hold=True)
    assert status("P7.1") is Status.KEPT


# --- access ----------------------------------------------------------------------------------------------------------
def test_roles_are_as_defined_and_staff_have_a_second_factor(client: Client) -> None:
    user = make_user("Auditor")
    assert status("P4.2") is Status.AT_RISK
    sign_in(client, user)
    assert status("P4.2") is Status.KEPT
    group = Group.objects.get(name="Auditor")
    group.permissions.add(Permission.objects.get(codename="publish_policyversion"))
    assert status("P4.2") is Status.BROKEN


def test_encryption_at_rest_is_never_claimed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG, settings.SECURE_SSL_REDIRECT = False, False
    assert status("P4.1") is Status.BROKEN
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS, settings.EMAIL_USE_TLS = True, 3600, True
    assert status("P4.1") is Status.PARTLY, "the database of the tests is on this machine"
    # Unencrypted to another machine is not in order, and where nothing is demanded nothing is measured.
    monkeypatch.setattr(staff_access, "_way_to_the_database", lambda: (False, False))
    assert status("P4.1") is Status.AT_RISK
    monkeypatch.setattr(staff_access, "_way_to_the_database", lambda: (True, False))
    assert status("P4.1") is Status.PARTLY
    settings.DEBUG = True
    assert (status("P4.1"), finding("P4.1").figures["database"]) == (Status.UNKNOWN, True)


# --- periods ---------------------------------------------------------------------------------------------------------
def test_a_closed_account_past_its_time_breaks_the_promise() -> None:
    account = make_account(closed_at=NOW - 91 * DAY - timedelta(seconds=1))
    assert status("P8.1") is Status.BROKEN
    assert finding("P8.1").evidence.startswith("1 closed account is still there more than a day after")
    Account.objects.filter(pk=account.pk).update(closed_at=NOW - 90 * DAY - timedelta(hours=1))
    assert status("P8.1") is Status.KEPT  # the next daily run takes it
    assert finding("P8.1").figures["due_today"] == 1
    Account.objects.filter(pk=account.pk).update(closed_at=NOW - 90 * DAY)
    assert finding("P8.1").figures == {
        "promised": "P90D", "rule": "P90D", "late": 0, "due_today": 0, "kept_by_holds": 0,
    }  # fmt: skip


def test_what_a_restriction_keeps_breaks_nothing_and_is_counted() -> None:
    make_account(closed_at=NOW - 400 * DAY, restricted_at=NOW - 300 * DAY)
    assert status("P8.1") is Status.KEPT
    assert finding("P8.1").figures["kept_by_holds"] == 1


def test_usage_data_is_measured_to_the_day_and_its_oldest_shown() -> None:
    make_events(make_account(), [datetime(2024, 11, 22, 13, tzinfo=NOW.tzinfo), NOW])
    assert status("P8.2") is Status.KEPT
    assert finding("P8.2").figures["oldest"] == "2024-11-22T13:00:00+00:00"
    assert status("P8.2", NOW + DAY) is Status.KEPT
    late = NOW + DAY + timedelta(microseconds=1)
    assert status("P8.2", late) is Status.BROKEN
    assert finding("P8.2", late).evidence.startswith("1 usage event is still there")


def test_billing_records_end_after_their_years() -> None:
    invoice = make_invoice(make_account(), issued_on=date(2019, 11, 21))
    assert status("P8.3") is Status.KEPT  # due today
    assert status("P8.3", NOW + DAY) is Status.BROKEN
    type(invoice).objects.filter(pk=invoice.pk).update(issued_on=date(2019, 11, 22))
    assert finding("P8.3").figures["due_today"] == 0


def test_backups_are_unknown_until_one_is_registered() -> None:
    assert status("P8.4") is Status.UNKNOWN
    backup = BackupSet.objects.create(
        name="night", kind="database", location="night.dump", made_at=NOW - 32 * DAY, expires_at=NOW - 2 * DAY
    )
    assert status("P8.4") is Status.BROKEN
    backup.deleted_at = backup.verified_gone_at = NOW
    backup.save()
    assert status("P8.4") is Status.KEPT


def test_copies_at_processors_and_unregistered_ones_break_the_promise(settings: Settings, tmp_path: Path) -> None:
    settings.BACKUP_DIR = tmp_path
    made: dict[str, Any] = {"kind": "processor", "location": "Hosting", "expires_at": NOW + DAY}
    theirs = BackupSet.objects.create(name="theirs", made_at=NOW - 30 * DAY, **made)
    stray = tmp_path / "stray.dump"
    stray.write_text("rows")
    os.utime(stray, ((NOW - 30 * DAY).timestamp(),) * 2)
    assert status("P8.4") is Status.KEPT
    BackupSet.objects.filter(pk=theirs.pk).update(made_at=NOW - 32 * DAY)
    assert finding("P8.4").figures["processors"] == 1
    assert status("P8.4") is Status.BROKEN
    BackupSet.objects.filter(pk=theirs.pk).update(deleted_at=NOW, verified_gone_at=NOW)
    assert status("P8.4") is Status.KEPT
    os.utime(stray, ((NOW - 32 * DAY).timestamp(),) * 2)
    assert status("P8.4") is Status.BROKEN
    assert finding("P8.4").figures["unregistered"] == 1


def test_a_rule_longer_than_published_puts_the_promise_at_risk_and_its_rows_break_it() -> None:
    change_rule("billing", period="P8Y")
    assert status("P8.3") is Status.AT_RISK
    make_invoice(make_account(), issued_on=date(2019, 6, 1))
    assert status("P8.3") is Status.BROKEN


def test_a_rule_out_of_force_breaks_the_promise() -> None:
    change_rule("usage", state=Rule.State.RETIRED)
    assert status("P8.2") is Status.BROKEN


# --- requests --------------------------------------------------------------------------------------------------------
def test_one_overdue_request_breaks_its_promises_and_no_other() -> None:
    submit_request("access")
    later = NOW + timedelta(days=40)
    assert [status(number) for number in ("P5.1", "P5.7", "P5.3")] == [Status.KEPT] * 3
    due = Request.objects.get().effective_due
    soon = datetime(due.year, due.month, due.day, 12, tzinfo=NOW.tzinfo)
    assert status("P5.7", soon) is Status.AT_RISK
    assert [status(number, later) for number in ("P5.1", "P5.7", "P5.3")] == [Status.BROKEN, Status.BROKEN, Status.KEPT]
    assert finding("P5.7", later).figures["overdue"] == 1
    assert finding("P5.7", later).evidence == "1 of 1 open requests is overdue."


def test_the_first_human_answer_is_counted_in_working_days() -> None:
    assert status("P11.1") is Status.UNKNOWN
    friday = datetime(2026, 11, 20, 9, tzinfo=NOW.tzinfo)
    request = confirm_request(submit_request(now=friday), now=friday)
    assert finding("P11.1", friday + 4 * DAY).figures["waiting"] == 1  # Tuesday is the second working day
    assert status("P11.1", friday + 5 * DAY) is Status.AT_RISK
    assert "or not yet although it is due: 1." in finding("P11.1", friday + 5 * DAY).evidence
    Message.objects.create(
        request=request, template="answer", period_key="1", mail_id="<1@x>", written_by=make_user(),
        created_at=friday + 4 * DAY, next_attempt_at=NOW,
    )  # fmt: skip
    assert status("P11.1", friday + 30 * DAY) is Status.KEPT


@given(first=st.dates(date(2020, 1, 1), date(2030, 1, 1)), days=st.integers(0, 400))
def test_working_days_are_mondays_to_fridays(first: date, days: int) -> None:
    counted = sum((first + timedelta(days=n)).weekday() < 5 for n in range(1, days + 1))
    assert working_days(first, first + timedelta(days=days)) == counted


# --- cookies, cards, policy ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "reason", "dropped", "expected"),
    [
        ("P6.1", "undeclared", True, Status.AT_RISK),
        ("P6.1", "undeclared", False, Status.BROKEN),
        ("P6.2", "unconsented", True, Status.KEPT),
        ("P6.2", "unconsented", False, Status.BROKEN),
    ],
)
def test_what_the_cookie_guard_saw(number: str, reason: str, dropped: bool, expected: Status) -> None:
    assert status(number) is Status.KEPT
    sighting = CookieSighting.objects.create(
        name="_spy", route="home", reason=reason, dropped=dropped, first_seen_at=NOW, last_seen_at=NOW
    )
    assert status(number) is expected
    sighting.last_seen_at = NOW - 31 * DAY
    sighting.save()
    assert status(number) is Status.KEPT


def test_the_promised_categories_must_exist() -> None:
    Category.objects.filter(slug="performance").update(slug="speed")
    assert status("P6.1") is Status.BROKEN


def test_card_numbers_are_searched_for_and_the_result_recorded() -> None:
    note = make_note(make_account())
    assert status("P7.2") is Status.UNKNOWN
    cardscan.scan(actor="system:test", now=NOW)
    assert status("P7.2") is Status.KEPT
    assert status("P7.2", NOW + 8 * DAY) is Status.AT_RISK
    with connection.cursor() as cursor:  # the one door that no code guards
        cursor.execute("UPDATE crm_note SET body = 'pay with 4111 1111 1111 1111' WHERE id = %s", [note.pk])
    entry = cardscan.scan(actor="system:test", now=NOW)
    assert entry.facts["found"] == 1
    assert "4111" not in json.dumps(entry.facts)
    assert status("P7.2") is Status.BROKEN


def test_a_page_that_left_the_published_text_is_at_risk() -> None:
    assert status("P10.1") is Status.KEPT
    Right.objects.filter(kind="access").update(title="Look")
    assert status("P10.1") is Status.AT_RISK
    assert "rights.access.title" in finding("P10.1").evidence


def test_changes_are_told_and_agreed_to_account_by_account() -> None:
    account, _younger = make_account(), make_account(created_at=NOW + DAY)
    assert [status(number) for number in ("P10.2", "P10.3")] == [Status.KEPT, Status.KEPT]
    publication.publish(
        version="2099.01", last_updated=NOW.date(), effective_on=NOW.date(), summary="Of weight.", material=True,
        requires_acceptance=True, actor="staff:1", now=NOW, proposed_by="staff:2",
    )  # fmt: skip
    for number in ("P10.2", "P10.3"):
        assert (status(number), finding(number).figures["missing"]) == (Status.AT_RISK, 1)

    def note(act: Acceptance.Act) -> None:
        acceptance.note(account.pk, "2099.01", act, surface=acceptance.Surface.PRODUCT, language="en", now=NOW)

    note(Acceptance.Act.TOLD)
    note(Acceptance.Act.DECLINED)
    assert [status(number) for number in ("P10.2", "P10.3")] == [Status.KEPT, Status.AT_RISK]
    note(Acceptance.Act.ACCEPTED)
    assert status("P10.3") is Status.KEPT
    assert finding("P10.3").figures == {"version": "2099.01", "reached": 1, "missing": 0}


def test_refusals_of_marketing_are_put_to_the_gate() -> None:
    account = make_account()
    assert status("P2.3") is Status.UNKNOWN
    suppression.suppress(
        account.email, reason="unsubscribed", source="unsubscribe-link", actor="system:test", now=NOW - DAY
    )
    assert status("P2.3") is Status.KEPT
    assert finding("P2.3").figures["refusals"] > 0
    Suppression.objects.all().delete()  # by a door that no code guards
    assert status("P2.3") is Status.BROKEN
    assert finding("P2.3").figures["let_through"] > 0


def test_the_watch_over_the_schedule_must_be_awake() -> None:
    assert "nothing has been measured" in finding("P4.4").evidence
    standing.measure(NOW)
    assert status("P4.4", NOW + 2 * timedelta(hours=1)) is Status.PARTLY
    assert status("P4.4", NOW + 4 * timedelta(hours=1)) is Status.AT_RISK
    assert status("P4.4", NOW + 2 * DAY) is Status.BROKEN


# --- the command and the page ----------------------------------------------------------------------------------------
def test_the_command_prints_json_and_fails_on_a_broken_promise() -> None:
    out = StringIO()
    call_command("promises", "--json", "--only", "P8.1", "P8.2", stdout=out)
    assert [line["promise"] for line in json.loads(out.getvalue())] == ["P8.1", "P8.2"]
    make_account(closed_at=datetime.now(NOW.tzinfo) - 200 * DAY, created_at=NOW - 1200 * DAY)
    with pytest.raises(SystemExit) as stop:
        call_command("promises", "--json", "--only", "P8.1", stdout=(out := StringIO()))
    assert stop.value.code == 1
    assert json.loads(out.getvalue())[0]["status"] == "broken"


def test_the_command_prints_a_table_and_searches_for_cards_when_asked() -> None:
    call_command("promises", "--only", "P7.2", "P3.2", "--scan-cards", stdout=(out := StringIO()))
    assert "1 kept, 0 at risk, 0 broken, 1 not measured" in out.getvalue()
    assert Entry.objects.filter(verb="privacy.cards_scanned").count() == 1


def test_staff_see_the_board_and_others_do_not(client: Client) -> None:
    assert "login" in client.get("/admin/privacy/promises/", follow=True).redirect_chain[-1][0]
    sign_in(client, make_user("Auditor"))
    html = client.get("/admin/privacy/promises/", follow=True).content.decode()
    assert all(each.promise in html for each in promises.board(NOW))


def test_a_programmers_mistake_in_a_check_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: datetime) -> registry.Verdict:
        raise ZeroDivisionError

    monkeypatch.setitem(registry._loaded(), "P8.1", broken)
    with pytest.raises(ZeroDivisionError):
        promises.board(NOW, ["P8.1"])
