"""The compiled condition against the same rules written plainly in Python."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings, strategies as st

from crasme.crm.models import Account, Invoice, Organisation, UsageEvent
from crasme.kit import calendar
from crasme.kit.datamap import Category
from retention import holds, predicate, services
from retention.holds import Held
from retention.models import Hold, HoldItem
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

Scope = HoldItem.Scope
CUTOFF = datetime(2024, 11, 22, 12, tzinfo=UTC)
STEP = timedelta(microseconds=1)
MOMENTS = [CUTOFF - timedelta(days=40), CUTOFF - STEP, CUTOFF, CUTOFF + STEP]


@dataclass(frozen=True)
class Person:
    organisation: int
    moment: datetime
    flagged: bool
    restricted: bool


PEOPLE = st.lists(
    st.builds(Person, st.integers(0, 1), st.sampled_from(MOMENTS), st.booleans(), st.booleans()), min_size=1, max_size=4
)
# What a hold covers, by the position of the organisation or person it names, and whether it was released.
ITEMS = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just(Scope.ACCOUNT), st.integers(0, 3)),
            st.tuples(st.just(Scope.ORGANISATION), st.integers(0, 1)),
            st.tuples(st.just(Scope.CATEGORY), st.sampled_from([Category.ACCOUNT, Category.USAGE, Category.BILLING])),
            st.tuples(st.just(Scope.PERIOD), st.sampled_from([None, Category.USAGE, Category.BILLING])),
            st.tuples(st.just(Scope.RECORD), st.integers(0, 3)),
        ),
        st.booleans(),
    ),
    max_size=3,
)
SINCE, UNTIL = date(2024, 11, 22), date(2024, 11, 23)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE, items=ITEMS)
def test_sql_and_plain_python_agree(people: list[Person], items: list[tuple[tuple[str, Any], bool]]) -> None:
    with transaction.atomic():
        accounts = stored(people)
        active = placed(items, accounts)
        matters = set(Hold.objects.active().values_list("matter", flat=True))
        # After the holds, since releasing one takes back the flags that it could have set.
        flagged = [account.pk for account, person in zip(accounts, people, strict=True) if person.flagged]
        Account.objects.filter(pk__in=flagged).update(on_hold=True)
        for slug, model in (("account-closed", Account), ("usage", UsageEvent), ("billing", Invoice)):
            rule = builders.rule(slug)
            ending = {
                accounts.index(row if model is Account else row.account) for row in predicate.releasable(rule, CUTOFF)
            }
            assert ending == expected(slug, people, active), slug
            both = predicate.releasable(rule, CUTOFF).count() + predicate.deferred(rule, CUTOFF).count()
            assert both == predicate.due(rule, CUTOFF).count()
            verdicts = services.explain_all(rule.target, model.objects.all(), calendar.add(CUTOFF, rule.length))
            released = {verdict.pk for verdict in verdicts if verdict.over and not verdict.kept}
            assert released == {str(row.pk) for row in predicate.releasable(rule, CUTOFF)}, slug
            # What keeps is always named, and nothing else is.
            assert all(verdict.kept == (len(verdict.reasons) > 1) for verdict in verdicts)
            assert all(set(verdict.matters) <= matters for verdict in verdicts)
        transaction.set_rollback(True)


def stored(people: list[Person]) -> list[Account]:
    organisations = [builders.organisation("A"), builders.organisation("B")]
    accounts = []
    for person in people:
        account = builders.account(
            organisations[person.organisation],
            closed=person.moment,
            created_at=person.moment,
            restricted_at=NOW if person.restricted else None,
        )
        builders.event(account, person.moment)
        builders.invoice(account, person.moment.date())
        accounts.append(account)
    return accounts


def placed(items: list[tuple[tuple[str, Any], bool]], accounts: list[Account]) -> list[tuple[str, Any]]:
    """Place what can be placed; what is active afterwards, with positions in place of keys."""
    active = []
    for number, ((scope, what), released) in enumerate(items):
        if (item := named(scope, what, accounts)) is None:
            continue
        hold = builders.hold(item, matter=f"M-{number}")
        if released:
            holds.release(hold, actor="staff:test", now=NOW)
        else:
            active.append((scope, what))
    return active


def named(scope: str, what: Any, accounts: list[Account]) -> Held | None:
    if scope == Scope.CATEGORY:
        return holds.category(what)
    if scope == Scope.PERIOD:
        return holds.period(SINCE, UNTIL, what)
    if scope == Scope.ORGANISATION:
        return holds.organisation(Organisation.objects.get(name="AB"[what]).pk)
    if what >= len(accounts):
        return None
    if scope == Scope.ACCOUNT:
        return holds.account(accounts[what].pk)
    return holds.one_record("crm.invoice", Invoice.objects.get(account=accounts[what]).pk)


def expected(slug: str, people: list[Person], active: list[tuple[str, Any]]) -> set[int]:
    category = {"account-closed": Category.ACCOUNT, "usage": Category.USAGE, "billing": Category.BILLING}[slug]
    ending = set()
    for position, person in enumerate(people):
        is_due = person.moment.date() < CUTOFF.date() if slug == "billing" else person.moment < CUTOFF
        kept = person.flagged or person.restricted
        for scope, what in active:
            kept |= scope == Scope.ACCOUNT and what == position
            kept |= scope == Scope.ORGANISATION and what == person.organisation
            kept |= scope == Scope.CATEGORY and what == category
            kept |= scope == Scope.PERIOD and what in (None, category) and SINCE <= person.moment.date() < UNTIL
            kept |= scope == Scope.RECORD and what == position and slug == "billing"
        if is_due and not kept:
            ending.add(position)
    return ending
