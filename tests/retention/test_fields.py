"""Rules that end fields: rows stay, nothing ends early or is acted on twice, and the later end of a field wins."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings, strategies as st

from crasme.crm.models import Deal, Invoice
from crasme.kit import calendar
from crasme.kit.calendar import Period
from retention import changing, drafts, fields, holds, predicate, services
from retention.models import Rule, Run
from tests.builders import change_rule
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db


def in_force(slug: str = "mailbox", **said: Any) -> Rule:
    """A rule on invoices' addresses, published; whatever is given wins."""
    defaults: dict[str, Any] = {
        "target": "crm.invoice",
        "anchor": "issued_on",
        "period": "P3Y",
        "action": Rule.Action.BLANK,
        "fields": ["billed_email"],
        "legal_reason": "Asked for while an invoice can be late.",
    }
    draft = drafts.save(Rule(slug=slug, **defaults | said), actor="staff:author", now=NOW)
    changing.put_in_force([draft], now=NOW, actor="staff:approver", version="2026.12")
    return draft


def run(rule: Rule, now: datetime = NOW) -> Run:
    done = services.run_rule(rule, now=now, actor="system:test")
    assert done is not None
    return done


def invoice(issued: date, **said: Any) -> Invoice:
    return builders.invoice(builders.account(), issued_on=issued, billed_email="a@example.com", **said)


def test_fields_are_blanked_once_and_the_row_stays() -> None:
    rule = in_force()
    old, edge, held = invoice(date(2023, 11, 21)), invoice(date(2023, 11, 22)), invoice(date(2020, 1, 1))
    builders.hold(holds.one_record("crm.invoice", held.pk))
    assert (predicate.releasable(rule, rule.cutoff(NOW)).get(), predicate.deferred(rule, rule.cutoff(NOW)).get()) == (
        old,
        held,
    )
    done = run(rule)
    assert (done.state, done.rows_total, done.counts) == (Run.State.DONE, 1, {"crm.invoice": 1})
    assert len(done.digest) == 64
    left = dict(Invoice.objects.values_list("pk", "billed_email"))
    assert left == {old.pk: "", edge.pk: "a@example.com", held.pk: "a@example.com"}
    again = run(rule, NOW + timedelta(days=1))  # the edge is over by then; what was acted on is not due again
    assert (again.state, again.rows_total) == (Run.State.DONE, 1)


def test_links_are_cut_and_the_rest_stays() -> None:
    owner = builders.furnish(builders.account())
    deal = Deal.objects.filter(owner=owner).first()
    assert deal is not None
    assert deal.contact_id is not None
    rule = in_force("deals", target="crm.deal", anchor="created_at", period="P1D", action="unlink", fields=["contact"])
    done = run(rule, NOW + timedelta(days=4000))
    deal.refresh_from_db()
    assert (done.rows_total, deal.contact_id, deal.owner) == (Deal.objects.count(), None, owner)


@settings(max_examples=25, deadline=None)
@given(
    issued=st.dates(date(2015, 1, 1), date(2026, 12, 31)),
    days=st.integers(0, 2700),
    periods=st.tuples(*[st.builds(Period, months=st.integers(1, 90), days=st.integers(0, 40))] * 2),
)
def _check_the_later_end(issued: date, days: int, periods: tuple[Period, ...]) -> None:
    moment = datetime(2020, 1, 1, 12, tzinfo=UTC) + timedelta(days=days)
    rules = [change_rule(f"need-{number}", period=period.isoformat()) for number, period in enumerate(periods)]
    Invoice.objects.update(issued_on=issued, billed_email="a@example.com")
    periods = (*periods, Period(months=36))  # the shipped rule is one of them
    over = all(issued < calendar.cutoff(moment.date(), period) for period in periods)
    # At the end of a month the other rule's rows are taken for up to three days younger: later, and never earlier.
    sure = all(issued < calendar.cutoff(moment.date() - timedelta(days=4), period) for period in periods)
    due = [predicate.releasable(rule, rule.cutoff(moment)) for rule in rules]
    found = [rows.exists() for rows in due]
    assert over or not any(found)
    assert all(found) or not sure
    for rule, rows in zip(rules, due, strict=True):
        rows.update(**fields.values(rule, rule.cutoff(moment)))
    assert (Invoice.objects.get().billed_email == "") == any(found)
    assert not any(rows.exists() for rows in due)


def test_a_field_ends_when_every_rule_on_it_has_and_then_only_once() -> None:
    invoice(NOW.date())
    for number in range(2):
        in_force(f"need-{number}")
    in_force("number", fields=["tax_number"], period="P99Y")  # another field: none of their business
    _check_the_later_end()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"fields": ["nothing"]}, "no such field"),
        ({"fields": ["number"]}, "different in every row"),
        ({"fields": ["issued_on:now"]}, "different each day"),
        ({"fields": ["organisation"]}, "neither NULL"),
        ({"fields": ["currency:month"]}, "cannot be replaced"),
        ({"action": "unlink"}, "Only links"),
        ({"target": "crm.contact", "anchor": "created_at", "fields": ["id:fresh"]}, "Other tables lead"),
        ({"action": "unlink", "fields": []}, "Name the fields"),
        ({"action": "delete"}, "Only an action on fields"),
        ({"action": "anonymise", "fields": ["account"]}, "needs a decision"),
        ({"action": "anonymise", "fields": ["account"], "anonymity": {"k": 2}}, "Give quasi"),
    ],
)
def test_a_rule_that_cannot_end_its_fields_is_refused(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        in_force(**said)


def test_without_names_the_data_map_says_which() -> None:
    assert [change.name for change in fields.changes(in_force(fields=[]))] == ["billed_email"]


def test_each_field_says_until_when_and_why() -> None:
    """The shipped rule: the mailbox of an invoice for three years, the invoice itself for seven."""
    made = invoice(date(2024, 3, 1))
    held = invoice(date(2020, 3, 1))
    builders.hold(holds.one_record("crm.invoice", held.pk))

    def words(row: Invoice, now: datetime = NOW) -> dict[str, str]:
        return {each.name: each.words() for each in services.explain_fields("crm.invoice", row.pk, now)}

    assert words(made)["billed_email"].startswith("kept until 2027-03-01: The mailbox an invoice was sent to")
    assert words(made)["billed_name"].startswith("kept until 2031-03-01: Tax and commercial law")
    assert "id" not in words(made)
    kept = words(held)["billed_email"]
    assert kept.startswith("period over on 2023-03-01, kept: The mailbox")
    assert kept.endswith("; hold M-17")
    run(builders.rule("billing-mailbox"), datetime(2028, 1, 1, tzinfo=UTC))
    assert words(made)["billed_email"].startswith("ended already: The mailbox")
    made.refresh_from_db()
    assert (made.billed_email, made.billed_name) == ("", "Somebody")
    # What an erasure leaves of an account is not gone with the ninety days after which it is erased.
    closed = builders.account(closed=NOW - timedelta(days=10))
    left = {each.name: each.words() for each in services.explain_fields("crm.account", closed.pk, NOW)}
    assert left["organisation"].startswith("kept: The bare id stays")
    assert "kept until" not in left["created_at"]
