"""What keeps a row although its period is over: legal holds, restrictions, what is open. One place, for every purpose.

Preview, purge, verification and explanation all build on the conditions made here; a second way to delete would be a
way around a hold. Holds are asked of the hold items themselves: a row made after a hold was placed is held as well.

What could go wrong: SQL's NULL. "NOT IN" with an empty link keeps nothing or everything, and a join drops events whose
account row is missing. So all conditions are EXISTS on the column that carries the account's id, without a join to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, reduce
from operator import or_
from typing import Any

from django.db.models import CharField, DateField, Exists, ForeignKey, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from crasme.crm.models import Account, Organisation
from crasme.kit import datamap
from crasme.kit.datamap import Category, Keeper, Table
from crasme.kit.statements import Fetch
from retention import graph
from retention.models import HoldItem

Scope = HoldItem.Scope
_ACTIVE = Fetch(lambda: HoldItem.objects.active().order_by().only("scope", "category", "label"))


@dataclass(frozen=True, slots=True)
class Scopes:
    """Which kinds of holds are active, so that conditions leave out what cannot apply. Valid under the holds lock."""

    accounts: bool = False
    organisations: bool = False
    categories: frozenset[str] = frozenset()
    periods: frozenset[str] = frozenset()  # categories; "" for all
    records: frozenset[str] = frozenset()  # labels
    # Those that have an open row. They stand in the way of periods only, so an erasure's outline is the same without.
    keepers: tuple[Keeper, ...] = field(default=(), compare=False)

    @classmethod
    def now(cls) -> "Scopes":
        found = {(item.scope, item.category, item.label) for item in _ACTIVE()}
        kinds = {scope for scope, _category, _label in found}
        return cls(
            accounts=Scope.ACCOUNT in kinds,
            organisations=Scope.ORGANISATION in kinds,
            categories=frozenset(category for scope, category, _label in found if scope == Scope.CATEGORY),
            periods=frozenset(category for scope, category, _label in found if scope == Scope.PERIOD),
            records=frozenset(label for scope, _category, label in found if scope == Scope.RECORD),
            keepers=tuple(keeper for keeper in datamap.keepers() if _any_open(keeper)()),
        )

    def period_for(self, table: Table) -> bool:
        return bool({"", table.category.value} & self.periods) and date_path(table) is not None

    def beyond_accounts(self, table: Table) -> bool:
        """Whether a row of the table can be held although its account is not."""
        label = table.label.lower()
        return table.category in self.categories or label in self.records or self.period_for(table)


@cache
def _any_open(keeper: Keeper) -> Fetch[Any]:
    """The question whether it keeps anything at all."""
    return Fetch(lambda: keeper.open_rows().only("pk").order_by(), most=1)


def held(
    model: type[Model],
    scopes: Scopes,
    *,
    or_restricted: bool = False,
    by_account: bool = True,
    or_open: bool = False,
) -> Q | None:
    """True for rows on hold: by themselves, or by account, organisation, category or period. None: no row can be.

    With `or_restricted` also for rows of accounts whose processing is restricted (they are stored and nothing else),
    and for those that something open keeps. Neither stands in the way of an erasure that the person asked for. Of all
    this `or_open` adds only the rows that something open keeps by themselves, whatever their account. Without
    `by_account` only what keeps a row beside its account: for rows of accounts that were found to be kept by nothing,
    and locked, under the holds lock.
    """
    terms = _apart(model, scopes, or_restricted or or_open)
    if by_account and (table := table_of(model)) is not None:
        keepers = scopes.keepers if or_restricted and keepable(table) else ()
        if model is Account:
            terms.append(_account_kept(scopes, or_restricted, keepers))
        elif (path := table.subject.get("account")) is not None:
            accounts = Account._base_manager.filter(pk=OuterRef(path))
            # One EXISTS for everything about the account: the planner turns it into a join, which it cannot do for two.
            terms.append(Q(Exists(accounts.filter(_account_kept(scopes, or_restricted, keepers)))))
    return any_of(*terms)


def kept_accounts(model: type[Model], scopes: Scopes) -> QuerySet[Account] | None:
    """The accounts whose rows are held, restricted or kept by what is open; None where a row of the model can be so by
    anything but its account."""
    table = table_of(model)
    if table is None or model is Account or "account" not in table.subject or _apart(model, scopes, True):
        return None
    return Account._base_manager.filter(_account_kept(scopes, True, scopes.keepers if keepable(table) else ()))


def _apart(model: type[Model], scopes: Scopes, or_open: bool) -> list[Q]:
    """What can keep a row beside its account."""
    terms = [Q(on_hold=True)] if model is not Account and _has_field(model, "on_hold") else []
    terms += [Q(condition) for condition in _organisation_terms(model, scopes)]
    if (table := table_of(model)) is not None:
        terms += _own_terms(model, table, scopes)
    if or_open:
        terms += [_row_kept(keeper) for keeper in scopes.keepers if keeper.kept_model is model]
    return terms


def restricted(model: type[Model]) -> Q | None:
    """True for rows of accounts whose processing is restricted."""
    return _of_account(model, Q(restricted_at__isnull=False))


def kept_by(model: type[Model], keeper: Keeper) -> Q | None:
    """True for rows that an open row of the keeper's keeps."""
    if not keeper.account:
        return _row_kept(keeper) if keeper.kept_model is model else None
    table = table_of(model)
    return _of_account(model, _has_open(keeper)) if table is not None and keepable(table) else None


def _row_kept(keeper: Keeper) -> Q:
    """On a queryset of the model whose single rows the keeper keeps."""
    if not keeper.row:
        return Q(**keeper.is_open)
    return Q(Exists(keeper.open_rows().filter(**{keeper.row: OuterRef("pk")})))


def keepable(table: Table) -> bool:
    """Whether what is open about an account keeps such rows: not those that came of using a right, which follow it."""
    return table.category not in (Category.RIGHTS, Category.STAFF)


def _of_account(model: type[Model], condition: Q) -> Q | None:
    """A condition on accounts as one on rows of theirs."""
    table = table_of(model)
    if table is None or (path := table.subject.get("account")) is None:
        return None
    if model is Account:
        return condition
    return Q(Exists(Account._base_manager.filter(condition, pk=OuterRef(path))))


def _has_open(keeper: Keeper) -> Q:
    """On a queryset of accounts."""
    return Q(Exists(keeper.open_rows().filter(**{keeper.account: OuterRef("pk")})))


def leant_on(
    model: type[Model], scopes: Scopes, *, or_open: bool = False, below: tuple[type[Model], ...] = ()
) -> Q | None:
    """True for rows on which a held row depends, or with `or_open` one that something open keeps by itself: deleting
    them would take it along."""
    return any_of(*(stays for _child, stays in leaning(model, scopes, or_open=or_open, below=below)))


def leaning(
    model: type[Model], scopes: Scopes, *, or_open: bool = False, below: tuple[type[Model], ...] = ()
) -> list[tuple[type[Model], Q]]:
    """The same by the tables whose rows depend on these."""
    terms: list[tuple[type[Model], Q]] = []
    for edge in graph.edges_to(model):
        child = edge.child
        if edge.nullable or edge.on_delete is graph.OnDelete.NOTHING or child is model or child in below:
            continue
        # A child of the same account is held when its parent is, so only its own holds need asking.
        alone = not goes_with(edge) or _held_apart(child, scopes, or_open)
        own = held(child, scopes, or_open=or_open) if alone else None
        if (stays := any_of(own, leant_on(child, scopes, or_open=or_open, below=(*below, model)))) is not None:
            children = child._base_manager.filter(**{edge.field.name: OuterRef(edge.field.target_field.name)})
            terms.append((child, Q(Exists(children.filter(stays)))))
    return terms


def matters(model: type[Model], rows: QuerySet[Any]) -> list[str]:
    """The file references of the active holds that cover any of `rows`."""
    label = model._meta.label_lower
    keys = rows.order_by().annotate(key=Cast("pk", CharField())).values("key")
    covering = Q(scope=Scope.RECORD, label=label, record__in=keys)
    for name in organisation_fields(model):
        covering |= Q(organisation__in=rows.order_by().values(name))
    if (table := table_of(model)) is not None:
        covering |= Q(scope=Scope.CATEGORY, category=table.category.value)
        if path := table.subject.get("account"):
            accounts = rows.order_by().values(path)
            covering |= Q(account__in=accounts)
            covering |= Q(organisation__in=Account._base_manager.filter(pk__in=accounts).values("organisation"))
        if day := date_path(table):
            within = rows.filter(**{f"{day}__gte": OuterRef("since"), f"{day}__lt": OuterRef("until")})
            covering |= Q(Exists(within), scope=Scope.PERIOD, category__in=["", table.category.value])
    items = HoldItem.objects.active().filter(covering)
    return sorted(set(items.values_list("hold__matter", flat=True)))


def table_of(model: type[Model]) -> Table | None:
    declared = datamap.covers(model._meta.label)
    return declared if isinstance(declared, Table) else None


def date_path(table: Table) -> str | None:
    """The path to a row's own date, by which a hold on a period finds it: the one that sorts an export."""
    if table.order == "pk" or "__" in table.order:
        return None
    return table.order if isinstance(table.model._meta.get_field(table.order), DateField) else None


def _own_terms(model: type[Model], table: Table, scopes: Scopes) -> list[Q]:
    terms = []
    items = HoldItem.objects.active()
    if table.category in scopes.categories:
        terms.append(Q(Exists(items.filter(scope=Scope.CATEGORY, category=table.category.value))))
    if scopes.period_for(table) and (path := date_path(table)):
        day = OuterRef(path)
        within = items.filter(scope=Scope.PERIOD, category__in=["", table.category.value])
        terms.append(Q(Exists(within.filter(since__lte=day, until__gt=day))))
    if (label := model._meta.label_lower) in scopes.records:
        key = Cast(OuterRef("pk"), CharField())
        terms.append(Q(Exists(items.filter(scope=Scope.RECORD, label=label, record=key))))
    return terms


def _account_kept(scopes: Scopes, or_restricted: bool, keepers: Iterable[Keeper]) -> Q:
    """On a queryset of accounts: on hold by flag, by name or by organisation; or restricted, or something is open."""
    condition = Q(on_hold=True)
    if or_restricted:
        condition |= Q(restricted_at__isnull=False)
    if scopes.accounts:
        condition |= Q(Exists(HoldItem.objects.active().filter(account=OuterRef("pk"))))
    if scopes.organisations:
        condition |= Q(Exists(HoldItem.objects.active().filter(organisation=OuterRef("organisation"))))
    for keeper in keepers:
        if keeper.account:
            condition |= _has_open(keeper)
    return condition


def _organisation_terms(model: type[Model], scopes: Scopes) -> list[Exists]:
    if not scopes.organisations or model is Account:
        return []
    items = HoldItem.objects.active()
    return [Exists(items.filter(organisation=OuterRef(name))) for name in organisation_fields(model)]


def organisation_fields(model: type[Model]) -> list[str]:
    fields = model._meta.concrete_fields
    return [each.name for each in fields if isinstance(each, ForeignKey) and each.related_model is Organisation]


def _has_field(model: type[Model], name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)


def goes_with(edge: graph.Edge) -> bool:
    """Whether the child always belongs to its parent's account, so that one is held exactly when the other is."""
    parent, child = table_of(edge.parent), table_of(edge.child)
    if parent is None or child is None or "account" not in parent.subject or "account" not in child.subject:
        return False
    above = "" if edge.parent is Account else f"__{parent.subject['account']}"
    return child.subject["account"] == edge.field.name + above


def _held_apart(child: type[Model], scopes: Scopes, or_open: bool) -> bool:
    table = table_of(child)
    if or_open and any(keeper.kept_model is child for keeper in scopes.keepers):
        return True
    return table is not None and (scopes.beyond_accounts(table) or _has_field(child, "on_hold"))


def any_of(*terms: Q | None) -> Q | None:
    """The conditions joined by OR; None when there is none."""
    given = [term for term in terms if term is not None]
    return reduce(or_, given) if given else None
