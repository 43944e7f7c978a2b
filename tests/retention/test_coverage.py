"""What a hold covers, asked in every way there is: the answers are one, and the one that is written down here."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model, Q
from hypothesis import HealthCheck, given, settings, strategies as st

from crasme.crm.models import Account, Invoice, Note, SyncedMessage, UsageEvent
from crasme.kit.datamap import Category
from retention import coverage, holds, obstacles
from retention.grounds import Naming
from retention.holds import Held
from retention.models import Hold, HoldItem, Rule
from retention.obstacles import Scopes, any_of
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db

Scope = HoldItem.Scope
SINCE, UNTIL = date(2024, 11, 22), date(2024, 11, 24)
FIRST, END = datetime(2024, 11, 22, tzinfo=UTC), datetime(2024, 11, 24, tzinfo=UTC)
STEP = timedelta(microseconds=1)
MOMENTS = st.sampled_from([FIRST - STEP, FIRST, END - STEP, END])
CATEGORIES = st.sampled_from([Category.ACCOUNT, Category.USAGE, Category.BILLING, Category.CONTENT])
# Model → the account of a row, its own date, its category.
TOLD: dict[type[Model], tuple[Callable[[Any], Any], Callable[[Any], Any], str]] = {
    Account: (lambda row: row, lambda row: row.created_at, Category.ACCOUNT),
    Invoice: (lambda row: row.account, lambda row: row.issued_on, Category.BILLING),
    UsageEvent: (lambda row: row.account, lambda row: row.occurred_at, Category.USAGE),
    Note: (lambda row: row.owner, lambda row: row.created_at, Category.CONTENT),
    SyncedMessage: (lambda row: row.integration.account, lambda row: row.sent_at, Category.INTEGRATION),
    # No data map tells of people in it: a hold can name one by its key only.
    Rule: (lambda row: None, lambda row: None, ""),
}
PEOPLE = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), MOMENTS), min_size=1, max_size=3)
ITEMS = st.lists(
    st.one_of(
        st.tuples(st.just(Scope.ACCOUNT), st.integers(0, 2)),
        st.tuples(st.just(Scope.ORGANISATION), st.integers(0, 1)),
        st.tuples(st.just(Scope.CATEGORY), CATEGORIES),
        st.tuples(st.just(Scope.PERIOD), st.one_of(st.none(), CATEGORIES)),
        st.tuples(st.just(Scope.RECORD), st.tuples(st.sampled_from(list(TOLD)), st.integers(0, 2))),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE, wanted=ITEMS)
def test_all_ways_to_ask_what_a_hold_covers_agree(people: Any, wanted: Any) -> None:
    with transaction.atomic():
        rows = stored(people)
        items = placed(wanted, rows)
        active = HoldItem.objects.active()
        scopes = Scopes.now()
        for model in TOLD:
            expected = {(row.pk, item.pk) for row in rows[model] for item in items if covers(item, row)}
            by_rows, by_item, by_items = set(), set(), set()
            for item in items:
                one = active.filter(pk=item.pk)
                by_rows |= {(pk, item.pk) for pk in found(model, coverage.held_by(model, one, Scope.values))}
                by_item |= {(pk, item.pk) for pk in found(model, coverage.caught(model, item))}
            for row in rows[model]:
                touching = any_of(*coverage.touching(model, model._base_manager.filter(pk=row.pk))) or Q(pk__in=[])
                by_items |= {(row.pk, pk) for pk in active.filter(touching).values_list("pk", flat=True)}
            assert by_rows == expected, model
            assert by_item == expected, model
            assert by_items == expected, model
            assert loaded(model, [row.pk for row in rows[model]], items) == expected, model
            held = obstacles.held(model, scopes)
            assert found(model, [held] if held is not None else []) == {row for row, _item in expected}, model
            matters = {item.hold.matter for item in items for row in rows[model] if (row.pk, item.pk) in expected}
            assert obstacles.matters(
                model, model._base_manager.filter(pk__in=[row.pk for row in rows[model]])
            ) == sorted(matters)
        transaction.set_rollback(True)


def covers(item: HoldItem, row: Any) -> bool:
    """What each scope means, written plainly."""
    account, dated, category = (tell(row) if callable(tell) else tell for tell in TOLD[type(row)])
    match item.scope:
        case Scope.ACCOUNT:
            return account is not None and item.account_id == account.pk
        case Scope.ORGANISATION:
            homes = {account and account.organisation_id, getattr(row, "organisation_id", None)}
            return item.organisation_id in homes
        case Scope.CATEGORY:
            return item.category == category
        case Scope.PERIOD:
            day = dated.astimezone(UTC).date() if isinstance(dated, datetime) else dated
            within = day is not None and item.since <= day < item.until  # type: ignore[operator]
            return within and item.category in ("", category)
        case _:
            return (item.label, item.record) == (row._meta.label_lower, str(row.pk))


def found(model: type[Model], conditions: Iterable[Q]) -> set[Any]:
    condition = any_of(*conditions)
    return set(model._base_manager.filter(condition).values_list("pk", flat=True)) if condition is not None else set()


def loaded(model: type[Model], keys: list[Any], items: list[HoldItem]) -> set[tuple[Any, Any]]:
    naming = Naming(model, None)
    rows = list(model._base_manager.filter(pk__in=keys).values("pk", *naming.columns))
    naming.read(rows, ())
    known = {item.hold.matter: item.pk for item in items}
    return {(row["pk"], known[matter]) for row in rows for matter in naming.matters(row)}


def stored(people: list[tuple[int, int, datetime]]) -> dict[type[Model], list[Any]]:
    homes = [builders.organisation("A"), builders.organisation("B")]
    for at_home, billed_to, moment in people:
        account = builders.furnish(builders.account(homes[at_home], created_at=moment), events=0)
        builders.event(account, moment)
        builders.invoice(account, moment.date(), organisation=homes[billed_to])
        Note.objects.filter(owner=account).update(created_at=moment)
        SyncedMessage.objects.filter(integration__account=account).update(sent_at=moment)
    builders.invoice(None, SINCE, organisation=homes[0])
    return {model: list(model._base_manager.order_by("pk")[:4]) for model in TOLD}


def placed(wanted: list[tuple[str, Any]], rows: dict[type[Model], list[Any]]) -> list[HoldItem]:
    """A hold for each of the items, without the flags, which would hide what the items say."""
    made = [Hold(matter=f"M-{number}", owner=builders.officer(), placed_at=NOW, review_on=UNTIL) for number in range(5)]
    Hold.objects.bulk_create(made)
    items = [
        HoldItem(hold=hold, **vars_of(named(scope, what, rows)))
        for hold, (scope, what) in zip(made, wanted, strict=False)
    ]
    return HoldItem.objects.bulk_create(items)


def vars_of(held: Held) -> dict[str, Any]:
    return {name: getattr(held, name) for name in Held.__slots__}


def named(scope: str, what: Any, rows: dict[type[Model], list[Any]]) -> Held:
    if scope == Scope.CATEGORY:
        return holds.category(what)
    if scope == Scope.PERIOD:
        return holds.period(SINCE, UNTIL, what)
    if scope == Scope.ORGANISATION:
        homes = sorted({account.organisation_id for account in rows[Account]})
        return holds.organisation(homes[what % len(homes)])
    model, place = (Account, what) if scope == Scope.ACCOUNT else what
    row = rows[model][place % len(rows[model])]
    return holds.account(row.pk) if scope == Scope.ACCOUNT else holds.one_record(model._meta.label, row.pk)
