"""Why a row is still here, in words."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from crasme.crm.models import Contact, Note
from retention import holds, services
from retention.errors import NoSuchRow, NotInSchedule
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

TAX = "Tax and commercial law demands billing records for seven years"


def words(label: str, pk: object, now: datetime = NOW) -> str:
    return services.explain(label, pk, now).words()


def test_an_invoice_inside_its_period_and_on_hold() -> None:
    invoice = builders.invoice(None, date(2024, 3, 1))
    assert words("crm.Invoice", invoice.pk) == f"kept until 2031-03-01: {TAX}"
    builders.hold(holds.one_record("crm.Invoice", invoice.pk))
    verdict = services.explain("crm.invoice", invoice.pk, NOW)
    assert verdict.words() == f"kept until 2031-03-01: {TAX}; hold M-17"
    assert (verdict.until, verdict.kept, verdict.over) == (datetime(2031, 3, 1, tzinfo=UTC), True, False)


def test_an_invoice_whose_period_is_over() -> None:
    invoice = builders.invoice(None, date(2019, 11, 21))
    assert words("crm.invoice", invoice.pk) == f"due since 2026-11-21: {TAX}"
    builders.hold(holds.one_record("crm.Invoice", invoice.pk))
    assert words("crm.invoice", invoice.pk) == f"period over on 2026-11-21, kept: {TAX}; hold M-17"


def test_the_last_day_itself_is_not_over() -> None:
    invoice = builders.invoice(None, date(2019, 11, 22))
    assert not services.explain("crm.invoice", invoice.pk, NOW).over
    account = builders.account(closed=NOW - timedelta(days=90))
    assert not services.explain("crm.account", account.pk, NOW).over
    assert services.explain("crm.account", account.pk, NOW + timedelta(microseconds=1)).over


def test_what_hangs_off_an_account_ends_with_it() -> None:
    account = builders.furnish(builders.account(closed=datetime(2026, 11, 1, tzinfo=UTC)))
    note = Note.objects.get()
    assert words("crm.note", note.pk).startswith("kept until 2027-01-30: Kept for 90 days after closure")
    builders.hold(holds.account(account.pk))
    assert words("crm.note", note.pk).endswith("; hold M-17")


def test_an_open_account_has_no_end_yet() -> None:
    account = builders.furnish(builders.account())
    verdict = services.explain("crm.contact", Contact.objects.get(owner=account).pk, NOW)
    assert verdict.until is None
    assert verdict.words().endswith("The period of 90 days has not begun")


def test_an_erased_account_waits_for_the_end_of_its_tombstone() -> None:
    account = builders.account(
        status="erased", erased_at=datetime(2026, 1, 1, tzinfo=UTC), email="", full_name="", closed=None
    )
    assert words("crm.account", account.pk).startswith("kept until 2033-01-01: The bare id")


def test_a_restriction_and_a_bare_flag_are_named() -> None:
    restricted = builders.account(closed=NOW, restricted_at=NOW)
    assert words("crm.account", restricted.pk).endswith("; processing is restricted")
    flagged = builders.account(closed=NOW, on_hold=True)
    assert words("crm.account", flagged.pk).endswith("; on hold")


def test_several_holds_are_all_named() -> None:
    account = builders.account(closed=NOW)
    builders.event(account, NOW)
    builders.hold(holds.organisation(account.organisation_id), matter="M-2")
    builders.hold(holds.account(account.pk), matter="M-1")
    released = builders.hold(holds.account(account.pk), matter="M-3")
    holds.release(released, actor="staff:test", now=NOW)
    assert words("crm.account", account.pk).endswith("; hold M-1; hold M-2")


def test_rows_and_tables_that_do_not_exist() -> None:
    with pytest.raises(NoSuchRow):
        services.explain("crm.invoice", uuid4(), NOW)
    with pytest.raises(NoSuchRow):
        services.explain("crm.invoice", "not a key", NOW)
    with pytest.raises(NotInSchedule):
        services.explain("crm.nothing", uuid4(), NOW)
    with pytest.raises(NotInSchedule):
        services.explain("crm.organisation", builders.organisation().pk, NOW)
