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

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from crasme.crm.models import Account
from crasme.kit import datamap
from crasme.kit.datamap import Category, Keeper, Table
from crasme.kit.statements import Fetch
from retention import coverage, graph
from retention.coverage import Part, table_of
from retention.models import HoldItem

_ACTIVE = Fetch(lambda: HoldItem.objects.active().order_by().only("scope", "category", "label"))


@dataclass(frozen=True, slots=True)
class Scopes:
    """Which kinds of holds are active, so that conditions leave out what cannot apply. Valid under the holds lock."""

    kinds: frozenset[tuple[str, str, str]] = frozenset()  # (scope, category, label)
    # Those that have an open row. They stand in the way of periods only, so an erasure's outline is the same without.
    keepers: tuple[Keeper, ...] = field(default=(), compare=False)

    @classmethod
    def now(cls) -> "Scopes":
        return cls(
            kinds=frozenset((item.scope, item.category, item.label) for item in _ACTIVE()),
            keepers=tuple(keeper for keeper in datamap.keepers() if _any_open(keeper)()),
        )

    def of(self, parts: Iterable[Part]) -> list[Part]:
        """Those of the parts that cover something."""
        return [part for part in parts if part.possible(self.kinds)]


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
    terms += [part.held_by(HoldItem.objects.active()) for part in scopes.of(coverage.own(model))]
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
    covering = any_of(*coverage.touching(model, rows))
    items = HoldItem.objects.active().filter(covering) if covering is not None else HoldItem.objects.none()
    return sorted(set(items.values_list("hold__matter", flat=True)))


def _account_kept(scopes: Scopes, or_restricted: bool, keepers: Iterable[Keeper]) -> Q:
    """On a queryset of accounts: on hold by flag, by name or by organisation; or restricted, or something is open."""
    condition = Q(on_hold=True)
    if or_restricted:
        condition |= Q(restricted_at__isnull=False)
    for part in scopes.of(coverage.OF_ACCOUNTS):
        condition |= part.held_by(HoldItem.objects.active())
    for keeper in keepers:
        if keeper.account:
            condition |= _has_open(keeper)
    return condition


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
    if or_open and any(keeper.kept_model is child for keeper in scopes.keepers):
        return True
    return bool(scopes.of(coverage.own(child))) or _has_field(child, "on_hold")


def any_of(*terms: Q | None) -> Q | None:
    """The conditions joined by OR; None when there is none."""
    given = [term for term in terms if term is not None]
    return reduce(or_, given) if given else None
