"""Erasing one person: the plan, exactly the plan, and nothing of anybody else."""

from datetime import date
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone

from crasme.crm.models import Account, Contact, Credential, Deal, Invoice, Note, SyncedMessage, UsageEvent
from crasme.kit import datamap
from crasme.kit.crypto import subject_ref
from crasme.kit.datamap import Category, Subject
from crasme.kit.recipes import Unfit, recipe
from crasme.ledger.models import Entry
from retention import erasure, holds
from retention.erasureplan import ON_HOLD, ErasurePlan, Kept, Line
from retention.errors import PlanChanged
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

ACTOR = "staff:00000000-0000-7000-8000-000000000001"


def subject(account: Account) -> Subject:
    return Subject.of(account=account.pk, email=account.email)


def erase(account: Account) -> erasure.Outcome:
    of = subject(account)
    return erasure.erase(of, plan_hash=erasure.preview(of, NOW).hash, actor=ACTOR, now=NOW)


def everything() -> dict[str, int]:
    return {table.label: table.model._base_manager.count() for table in datamap.tables()}


@pytest.fixture
def leaver() -> Account:
    account = builders.furnish(builders.account())
    builders.invoice(account, date(2024, 3, 1))
    return account


def line(plan: ErasurePlan, label: str) -> Line:
    return next(line for line in plan.lines if line.label == label)


def kept(plan: ErasurePlan, label: str) -> list[Kept]:
    return [kept for kept in plan.kept if kept.label == label]


def test_the_plan_counts_every_table_and_touches_nothing(leaver: Account) -> None:
    before = everything()
    plan = erasure.preview(subject(leaver), NOW)
    assert everything() == before
    assert {entry.label: (entry.action, entry.rows) for entry in plan.lines} == {
        "crm.Account": ("change", 1),
        "crm.BillingProfile": ("delete", 1),
        "crm.Contact": ("delete", 1),
        "crm.Credential": ("delete", 1),
        "crm.Deal": ("delete", 1),
        "crm.Device": ("delete", 1),
        "crm.HeldUsageEvent": ("delete", 0),
        "crm.Integration": ("delete", 1),
        "crm.Invoice": ("change", 1),
        "crm.Note": ("delete", 1),
        "crm.SyncedMessage": ("delete", 1),
        "crm.UsageEvent": ("delete", 2),
    }
    assert line(plan, "crm.Invoice").fields == ("billed_email",)


def test_the_plan_says_what_is_kept_why_and_until_when(leaver: Account) -> None:
    builders.invoice(leaver, date(2025, 8, 31))
    (invoices,) = kept(erasure.preview(subject(leaver), NOW), "crm.Invoice")
    assert (invoices.rows, invoices.until, invoices.basis) == (2, date(2032, 8, 31), "P7Y after crm.invoice.issued_on")
    assert "seven years" in invoices.reason
    assert "billed_name" in invoices.fields
    assert "billed_email" not in invoices.fields


def test_an_erasure_leaves_a_bare_tombstone_and_the_invoice(leaver: Account) -> None:
    outcome = erase(leaver)
    stone = Account.objects.get(pk=leaver.pk)
    assert (stone.status, stone.erased_at, stone.role) == ("erased", NOW, "member")
    assert (stone.email, stone.full_name, stone.phone, stone.language, stone.time_zone) == ("", "", "", "", "")
    billed = Invoice.objects.get()
    assert (billed.billed_name, billed.billed_email, billed.account_id) == ("Somebody", "", leaver.pk)
    left = {label for label, rows in everything().items() if rows}
    assert left <= {"crm.Account", "crm.Invoice"}
    assert outcome.counts["crm.usageevent"] == 2


def test_an_erasure_is_recorded_with_its_plan_and_no_personal_data(leaver: Account) -> None:
    outcome = erase(leaver)
    entry = Entry.objects.get(verb="retention.erased")
    assert entry.subject == subject_ref("account", leaver.pk)
    assert (entry.actor, entry.facts["plan"], entry.facts["counts"]) == (ACTOR, outcome.plan_hash, outcome.counts)


def test_nothing_of_anybody_else_is_touched(leaver: Account) -> None:
    colleague = builders.furnish(builders.account(leaver.organisation))
    builders.invoice(colleague, date(2024, 3, 1))
    nobody = builders.invoice(None, date(2024, 3, 1), organisation=leaver.organisation, billed_email="x@example.com")
    mine = {table.label: set(table.rows(subject(colleague)).values_list("pk", flat=True)) for table in datamap.tables()}
    erase(leaver)
    for label, keys in mine.items():
        assert set(datamap.table(label).rows(subject(colleague)).values_list("pk", flat=True)) == keys, label
    colleague.refresh_from_db()
    assert colleague.full_name
    nobody.refresh_from_db()
    assert nobody.billed_email == "x@example.com"


def test_rows_of_others_lose_the_link_and_nothing_else(leaver: Account) -> None:
    colleague = builders.furnish(builders.account(leaver.organisation))
    contact = Contact.objects.get(owner=leaver)
    Deal.objects.filter(owner=colleague).update(contact=contact)
    Note.objects.filter(owner=colleague).update(contact=contact)
    SyncedMessage.objects.filter(integration__account=colleague).update(contact=contact)
    outcome = erase(leaver)
    assert outcome.unlinked == {"crm.deal.contact": 1, "crm.note.contact": 1, "crm.syncedmessage.contact": 1}
    assert Deal.objects.get(owner=colleague).contact is None
    assert SyncedMessage.objects.get(integration__account=colleague).contact is None


def test_a_plan_that_no_longer_fits_is_refused_and_nothing_changes(leaver: Account) -> None:
    plan = erasure.preview(subject(leaver), NOW)
    Note.objects.create(owner=leaver, created_at=NOW, body="one more")
    before = everything()
    with pytest.raises(PlanChanged) as refused:
        erasure.erase(subject(leaver), plan_hash=plan.hash, actor=ACTOR, now=NOW)
    assert everything() == before
    assert line(refused.value.plan, "crm.Note").rows == 2


def test_usage_may_flow_in_between_plan_and_approval(leaver: Account) -> None:
    plan = erasure.preview(subject(leaver), NOW)
    builders.event(leaver, NOW)
    assert erasure.preview(subject(leaver), timezone.now()).hash == plan.hash
    outcome = erasure.erase(subject(leaver), plan_hash=plan.hash, actor=ACTOR, now=NOW)
    assert outcome.counts["crm.usageevent"] == 3


def test_the_hash_does_not_depend_on_the_day(leaver: Account) -> None:
    later = NOW.replace(year=NOW.year + 1)
    assert erasure.preview(subject(leaver), NOW).hash == erasure.preview(subject(leaver), later).hash


def test_a_hold_on_the_account_keeps_all_of_it(leaver: Account) -> None:
    plan = erasure.preview(subject(leaver), NOW)
    builders.hold(holds.account(leaver.pk))
    with pytest.raises(PlanChanged):
        erasure.erase(subject(leaver), plan_hash=plan.hash, actor=ACTOR, now=NOW)
    before = everything()
    outcome = erase(leaver)
    assert everything() == before
    assert outcome.counts == {}
    assert {entry.reason for entry in outcome.kept if entry.label != "retention.HoldItem"} == {ON_HOLD}
    assert {entry.matters for entry in outcome.kept if entry.reason == ON_HOLD} == {("M-17",)}


def test_a_hold_on_one_record_keeps_it_and_what_it_needs(leaver: Account) -> None:
    message = SyncedMessage.objects.get()
    builders.hold(holds.one_record("crm.SyncedMessage", message.pk))
    plan = erasure.preview(subject(leaver), NOW)
    assert [entry.matters for entry in kept(plan, "crm.SyncedMessage")] == [("M-17",)]
    assert [entry.rows for entry in kept(plan, "crm.Integration")] == [1]
    erase(leaver)
    message.refresh_from_db()
    assert message.integration.account_id == leaver.pk
    assert not Credential.objects.exists()
    assert Account.objects.get(pk=leaver.pk).status == "erased"


def test_a_hold_on_a_category_keeps_that_category_only(leaver: Account) -> None:
    builders.hold(holds.category(datamap.Category.USAGE))
    erase(leaver)
    assert UsageEvent.objects.count() == 2
    assert not Contact.objects.exists()


def test_a_hold_on_a_period_keeps_rows_of_that_period_only(leaver: Account) -> None:
    builders.hold(holds.period(date(2026, 10, 1), date(2026, 11, 1)))
    erase(leaver)
    assert [event.occurred_at.month for event in UsageEvent.objects.all()] == [10]


def test_two_erasures_in_a_row_do_no_harm(leaver: Account) -> None:
    erase(leaver)
    again = erase(leaver)
    assert again.counts.get("crm.usageevent", 0) == 0
    assert Account.objects.get(pk=leaver.pk).status == "erased"


def test_somebody_unknown_has_an_empty_plan() -> None:
    plan = erasure.preview(Subject.of(email="nobody@example.com"), NOW)
    assert (plan.rows, plan.kept) == (0, ())
    assert erasure.preview(Subject(), NOW).lines == ()


def test_a_plan_of_statements_made_once_is_the_one_that_querysets_make(leaver: Account) -> None:
    other = builders.furnish(builders.account(), events=3)
    builders.invoice(other, date(2025, 5, 1), billed_email=leaver.email)
    note = Note.objects.get(owner=other)
    for held in (None, holds.one_record("crm.Note", note.pk), holds.category(Category.BILLING)):
        if held is not None:
            builders.hold(held, matter=str(held.scope))
        for account in (leaver, other):
            made = erasure.preview(subject(account), NOW)
            with mock.patch("retention.outline.recipe", side_effect=Unfit):
                assert erasure.preview(subject(account), NOW) == made
    outcomes = []
    for unfit in (False, True):
        with transaction.atomic(), mock.patch("retention.outline.recipe", side_effect=Unfit if unfit else recipe):
            outcomes.append(erase(other))
            transaction.set_rollback(True)
    assert outcomes[0] == outcomes[1]
