"""Holds are placed at once, seen by everything that deletes, and released without undoing each other."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from crasme.crm.models import Account, Invoice
from crasme.kit.datamap import Category
from crasme.ledger.models import Entry
from retention import catch, holds
from retention.errors import HoldReleased, NothingToHold, ReviewPast
from retention.models import HoldItem
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db


def flags(account: Account, invoice: Invoice) -> tuple[bool, bool]:
    account.refresh_from_db()
    invoice.refresh_from_db()
    return account.on_hold, invoice.on_hold


def test_flags_follow_the_holds_and_two_holds_do_not_undo_each_other() -> None:
    account = builders.account()
    invoice = builders.invoice(account, date(2024, 1, 1))
    stranger = builders.account()
    other = builders.invoice(stranger, date(2024, 1, 1))
    first = builders.hold(holds.account(account.pk), matter="M-1")
    second = builders.hold(holds.organisation(account.organisation_id), matter="M-2")
    assert flags(account, invoice) == (True, True)
    assert flags(stranger, other) == (False, False)
    holds.release(first, actor="staff:test", now=NOW)
    assert flags(account, invoice) == (True, True)
    holds.release(second, actor="staff:test", now=NOW)
    assert flags(account, invoice) == (False, False)


def test_a_hold_on_one_invoice_flags_that_invoice_only() -> None:
    account = builders.account()
    invoice, other = builders.invoice(account, date(2024, 1, 1)), builders.invoice(account, date(2024, 2, 1))
    hold = builders.hold(holds.one_record("crm.Invoice", str(invoice.pk).upper()))  # as a person may write it
    other.refresh_from_db()
    assert (flags(account, invoice), other.on_hold) == ((False, True), False)
    holds.release(hold, actor="staff:test", now=NOW)
    assert flags(account, invoice) == (False, False)


def test_a_release_leaves_flags_of_another_origin_alone() -> None:
    flagged = builders.account(on_hold=True)
    hold = builders.hold(holds.account(builders.account().pk))
    holds.release(hold, actor="staff:test", now=NOW)
    flagged.refresh_from_db()
    assert flagged.on_hold


def test_placing_and_releasing_are_recorded_without_the_matter() -> None:
    hold = builders.hold(holds.category(Category.BILLING), holds.period(date(2024, 1, 1), date(2024, 2, 1)))
    holds.release(hold, actor="staff:test", now=NOW)
    placed, released = Entry.objects.filter(verb__startswith="retention.hold_").order_by("id")
    assert placed.facts == {"hold": str(hold.pk), "items": {"category": 1, "period": 1}, "review_on": "2027-01-01"}
    assert released.facts == {"hold": str(hold.pk), "items": 2}


def test_a_hold_needs_something_that_is_still_there() -> None:
    erased = builders.account(status="erased", erased_at=NOW, email="", full_name="")
    gone = (holds.account(erased.pk), holds.account(uuid4()), holds.one_record("crm.invoice", uuid4()))
    for item in (*gone, holds.one_record("crm.nothing", "1"), holds.one_record("crm.invoice", "no key")):
        with pytest.raises(NothingToHold) as refused:
            builders.hold(item)
        assert refused.value.field == ({"crm.nothing": "label", "crm.invoice": "record"}.get(item.label, ""))
    with pytest.raises(NothingToHold):
        builders.hold()
    assert not HoldItem.objects.exists()


def test_what_a_hold_catches_is_counted_table_by_table() -> None:
    account = builders.furnish(builders.account(), events=3)
    day = date(2024, 1, 5)
    builders.invoice(account, day)
    by_name = dict(catch.caught(builders.hold(holds.account(account.pk), matter="A")))
    assert (by_name["accounts"], by_name["usage events"], by_name["invoices"]) == ("1", "3", "1")
    home = account.organisation_id
    assert home is not None
    assert dict(catch.caught(builders.hold(holds.organisation(home), matter="O")))["usage events"] == "3"
    of_month = holds.period(date(2024, 1, 1), date(2024, 2, 1), Category.BILLING)
    assert dict(catch.caught(builders.hold(of_month, matter="T")))["invoices"] == "1"
    assert catch.caught(builders.hold(holds.period(date(1999, 1, 1), date(1999, 2, 1)), matter="N")) == []


def test_a_matter_has_one_hold_and_a_hold_is_released_once() -> None:
    hold = builders.hold(holds.category(Category.USAGE))
    with pytest.raises(ValidationError, match="already exists"):
        builders.hold(holds.category(Category.USAGE))
    holds.release(hold, actor="staff:test", now=NOW)
    with pytest.raises(HoldReleased):
        holds.release(hold, actor="staff:test", now=NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "account"},
        {"scope": "category"},
        {"scope": "period", "since": date(2024, 2, 1), "until": date(2024, 2, 1)},
        {"scope": "period", "since": date(2024, 2, 1)},
        {"scope": "record", "label": "crm.invoice"},
        {"scope": "category", "category": "P7.2", "label": "crm.invoice", "record": "1"},
    ],
)
def test_the_database_refuses_an_item_that_does_not_say_its_scope(fields: dict[str, object]) -> None:
    hold = builders.hold(holds.category(Category.USAGE))
    with pytest.raises(IntegrityError, match="retention_holditem"), transaction.atomic():
        HoldItem.objects.create(hold=hold, **fields)


def test_a_hold_is_reviewed_today_or_later() -> None:
    late = builders.hold(holds.category(Category.USAGE), now=datetime(2027, 1, 1, 23, 59, tzinfo=UTC))
    with pytest.raises(ReviewPast, match="lies in the past"):
        builders.hold(holds.category(Category.USAGE), matter="M-2", now=late.placed_at + timedelta(minutes=1))


def test_a_period_must_end_after_it_begins() -> None:
    with pytest.raises(ValidationError, match="must end after"):
        builders.hold(holds.period(date(2024, 2, 1), date(2024, 1, 1)))
