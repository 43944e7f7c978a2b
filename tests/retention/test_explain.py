"""Why a row is still here, in words."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils.functional import Promise

from crasme.crm.models import Account, Contact, Note, SyncedMessage, UsageEvent
from crasme.staff.roles import PRIVACY_OFFICER
from privacy.models import Request
from retention import changing, errors, explanation, holds, services
from retention.errors import NoSuchRow, NotAKey, NotInSchedule, RuleBroken
from retention.models import Rule
from tests import builders as make
from tests.builders import sign_in
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
    assert services.explain("crm.account", account.pk, NOW).words().endswith("The period of 90 days has not begun")


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


def test_what_somebody_asked_about_stays_until_they_are_answered() -> None:
    account = builders.furnish(builders.account(email="ana@customer.example", closed=NOW - timedelta(days=100)))
    asked = make.confirm_request(make.submit_request("access", account.email, now=NOW), now=NOW)
    Request.objects.filter(pk=asked.pk).update(account=account)  # as its first step finds it
    expected = f"period over on 2026-11-12, kept: .*; open request {asked.reference}$"
    assert re.match(expected, words("crm.account", account.pk))
    assert re.match(expected, words("crm.note", Note.objects.get().pk))
    event = UsageEvent.objects.earliest("occurred_at")
    assert words("crm.usageevent", event.pk).endswith(f"; open request {asked.reference}")
    assert services.run_rule(builders.rule("account-closed"), now=NOW, actor="system:test").rows_total == 0
    # A wish to have the data gone keeps nothing, and what came of asking follows the request's own end.
    Request.objects.filter(pk=asked.pk).update(kind="deletion")
    assert words("crm.account", account.pk).startswith("due since")
    Request.objects.filter(pk=asked.pk).update(kind="access")
    assert "open request" not in words("privacy.request", asked.pk)


def test_what_a_row_ends_with_keeps_it_and_says_why() -> None:
    account = builders.account(status="erased", erased_at=datetime(2015, 1, 1, tzinfo=UTC), email="", full_name="")
    builders.invoice(account, date(2026, 1, 1))
    assert re.match(
        "period over on 2022-01-01, kept: The bare id.*; invoices refer to it$", words("crm.account", account.pk)
    )
    owner = builders.furnish(builders.account(closed=NOW - timedelta(days=100)))
    builders.hold(holds.one_record("crm.syncedmessage", SyncedMessage.objects.get().pk))
    assert words("crm.integration", owner.integrations.get().pk).endswith(
        "; synchronised messages that are kept depend on it"
    )
    # The account itself is emptied meanwhile: its id stays, and what is on hold with it.
    assert words("crm.account", owner.pk).startswith("due since")


def test_a_table_is_read_in_chunks_and_by_statements_that_do_not_grow(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    home = builders.organisation()
    accounts = [builders.account(home, closed=NOW - timedelta(days=number)) for number in range(80, 100)]
    builders.hold(holds.account(accounts[-1].pk))
    with django_assert_max_num_queries(8):
        one = services.explain_all("crm.account", Account.objects.filter(pk=accounts[-1].pk), NOW)
    with django_assert_max_num_queries(8):
        every = services.explain_all("crm.account", Account.objects.order_by("-pk"), NOW)
    assert [verdict.pk for verdict in every] == [str(account.pk) for account in reversed(accounts)]
    assert every[0] == one[0] == services.explain("crm.account", accounts[-1].pk, NOW)
    assert sum(verdict.over for verdict in every) == 9
    twin = builders.event(accounts[0], NOW - timedelta(days=800))
    builders.event(accounts[-1], NOW - timedelta(days=900), id=twin.pk)
    builders.event(accounts[0], NOW)
    monkeypatch.setattr(explanation, "AT_ONCE", 1)
    found = list(services.explain_table("crm.usageevent", NOW))
    # Two events with one id, one of them held: each has its own verdict.
    assert sorted((verdict.over, verdict.kept, verdict.matters) for verdict in found) == [
        (False, False, ()),
        (True, False, ()),
        (True, True, ("M-17",)),
    ]
    keys = [str(accounts[3].pk), str(uuid4()), str(accounts[1].pk)]
    assert [verdict.pk for verdict in services.explain_keys("crm.account", keys, NOW)] == [keys[0], keys[2]]


def test_rows_and_tables_that_do_not_exist() -> None:
    with pytest.raises(NoSuchRow, match="a run or an erasure ended it"):
        services.explain("crm.invoice", uuid4(), NOW)
    with pytest.raises(NoSuchRow, match=r"It is a key of crm\.account: ask for that one"):
        services.explain("crm.invoice", str(builders.account().pk), NOW)
    with pytest.raises(NotAKey, match=r"no key of crm\.invoice: each of its keys is a UUID\. Copy the id") as refused:
        services.explain("crm.invoice", "ana@customer.example", NOW)
    assert "ana" not in str(refused.value)
    with pytest.raises(NotAKey):
        next(services.explain_keys("crm.invoice", [str(uuid4()), "x"], NOW))
    with pytest.raises(NotInSchedule, match=r"such as crm\.invoice"):
        services.explain("crm.nothing", uuid4(), NOW)
    with pytest.raises(NotInSchedule):
        services.explain("crm.organisation", builders.organisation().pk, NOW)


def test_a_rule_about_what_is_no_more_is_named_with_its_remedy_and_takes_no_page_down(client: Client) -> None:
    """The table of one is gone, the date of another: whoever asks is told which rule, not that a program failed."""
    said = {"state": "active", "action": "delete", "period": "P1Y", "effective_from": NOW, "legal_reason": "It was."}
    for slug, target, anchor in (("gone", "crm.gone", "at"), ("dateless", "crm.invoice", "gone_at")):
        with changing.publication():
            Rule(slug=slug, target=target, anchor=anchor, **said).save()
    invoice = builders.invoice(None, date(2024, 3, 1))
    for asked, words in (
        (("crm.gone", "1"), "The rule gone names crm.gone, which is not (any more) in crm.gone."),
        (("crm.invoice", str(invoice.pk)), "The rule dateless names gone_at, which is not (any more) in crm.invoice."),
    ):
        with pytest.raises(CommandError, match=re.escape(f"{words} {RuleBroken.remedy}")):
            call_command("retention", "explain", *asked)
    sign_in(client, make.make_user(PRIVACY_OFFICER))
    page = client.get(reverse("admin:crm_invoice_change", args=[invoice.pk]))
    assert "The rule dateless names gone_at" in page.content.decode()


def test_every_remedy_can_be_said_in_the_language_of_staff() -> None:
    remedies = {each: each.__dict__.get("remedy", "") for each in vars(errors).values() if isinstance(each, type)}
    assert len([remedy for remedy in remedies.values() if remedy]) > 5
    assert [each for each, remedy in remedies.items() if remedy and not isinstance(remedy, Promise)] == []
