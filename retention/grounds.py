"""Why rows are kept whatever their period says, as conditions, and the words for each.

What could go wrong: an explanation that says other than what the purge does. So whether a row is kept is asked of the
very condition that the purge obeys (`predicate.kept`); the grounds here are its parts, asked only of rows that it
keeps, to name them.

A row that ends together with another (a note with its account) is kept by whatever keeps that one.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q
from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.kit.datamap import Keeper
from retention import coverage, obstacles, predicate
from retention.coverage import OF_ACCOUNTS, Part
from retention.endings import Ending
from retention.models import HoldItem
from retention.obstacles import Scopes, any_of

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ground:
    """A part of what keeps; `words` says it where it needs no name, `keeper` or `hold` where it has one."""

    rows: Q
    words: str = ""
    hold: bool = False
    keeper: Keeper | None = None


def kept(model: type[Model], ending: Ending | None, scopes: Scopes) -> Q | None:
    """True for rows that something keeps although their period by `ending` is over."""
    if ending is None:
        return obstacles.held(model, scopes, or_restricted=True)
    rule = ending.rule
    if not ending.up:
        there = predicate.still_there(rule)
        return any_of(predicate.kept(rule, model, scopes), ~there if there is not None else None)
    own = obstacles.held(model, scopes, or_restricted=True)
    above = predicate.kept(rule, rule.model, scopes)
    return any_of(own, obstacles.leant_on(model, scopes, or_open=True), _with(ending, above))


def grounds(model: type[Model], ending: Ending | None, scopes: Scopes) -> list[Ground]:
    """The parts of `kept`, each with its words."""
    found = _keeping(model, ending, scopes)
    if ending is None or ending.up or (there := predicate.still_there(ending.rule)) is None:
        return found
    # Of a period that has not begun it is said that it has not.
    begun = Q(**{f"{ending.rule.anchor}__isnull": False})
    return [*found, Ground(begun & ~there, _("its rule does not act on it, or has acted already"))]


def _keeping(model: type[Model], ending: Ending | None, scopes: Scopes) -> list[Ground]:
    found = list(_own(model, scopes))
    if ending is None:
        return found
    rule = ending.rule
    if ending.up or predicate.takes_rows(rule):
        for child, rows in obstacles.leaning(model, scopes, or_open=True):
            words = _("%(table)s that are kept depend on it") % {"table": child._meta.verbose_name_plural}
            found.append(Ground(rows, words))
    if ending.up:
        above = _keeping(rule.model, Ending(rule, rule.anchor), scopes)
        return [*found, *(Ground(_of(ending, each.rows), each.words, each.hold, each.keeper) for each in above)]
    if predicate.takes_rows(rule):
        for child, rows in predicate.referenced(rule, model):
            words = _("%(table)s refer to it") % {"table": child._meta.verbose_name_plural}
            found.append(Ground(rows, words))
    return found


def _own(model: type[Model], scopes: Scopes) -> Iterator[Ground]:
    yield from _maybe(obstacles.held(model, scopes), hold=True)
    yield from _maybe(obstacles.restricted(model), words=_("processing is restricted"))
    for keeper in scopes.keepers:
        yield from _maybe(obstacles.kept_by(model, keeper), keeper=keeper)


def _maybe(rows: Q | None, **what: Any) -> list[Ground]:
    return [] if rows is None else [Ground(rows, **what)]


def _with(ending: Ending, condition: Q | None) -> Q | None:
    return None if condition is None else _of(ending, condition)


def _of(ending: Ending, condition: Q) -> Q:
    """A condition on the rows with which these end, as one on these."""
    return Q(Exists(ending.rule.model._base_manager.filter(condition, pk=OuterRef(ending.up))))


class Naming:
    """The file references of holds, and the references of what is open, for rows of one table.

    `columns` are the paths that it needs of each row; `read` asks for the names of many rows at once.
    """

    def __init__(self, model: type[Model], ending: Ending | None) -> None:
        self._sources = [_Source(model, "")]
        if ending is not None and ending.up:
            self._sources.append(_Source(ending.rule.model, f"{ending.up}__"))
        self.columns = sorted({name for source in self._sources for name in source.columns})

    def read(self, rows: Sequence[Row], keepers: Iterable[Keeper]) -> None:
        accounts = {row[source.account] for row in rows for source in self._sources if source.account} - {None}
        of_accounts = Account._base_manager.filter(pk__in=accounts).values_list(*(part.path for part in OF_ACCOUNTS))
        self._accounts = {values[0]: list(zip(OF_ACCOUNTS, values, strict=True)) for values in of_accounts}
        named = [
            part.naming({row[column] for row in rows} - {None} if column else ())
            for source in self._sources
            for part, column in source.parts
        ]
        for place, part in enumerate(OF_ACCOUNTS):
            named.append(part.naming({shown[place][1] for shown in self._accounts.values()} - {None}))
        items = HoldItem.objects.active().filter(any_of(*named)).order_by().select_related("hold")
        self._items: dict[tuple[str, Hashable], list[HoldItem]] = {}
        for item in items:
            self._items.setdefault((item.scope, coverage.key_of(item)), []).append(item)
        self._open: dict[Any, list[str]] = {}
        for keeper in keepers:
            to, keys = keeper.account, accounts
            if not to:
                to = keeper.row or "pk"
                keys = {row[each.record] for row in rows for each in self._sources if each.model is keeper.kept_model}
            if not keys:
                continue
            open_rows = keeper.open_rows().filter(**{f"{to}__in": keys}).order_by("pk")
            names = [keeper.reference] if keeper.reference else []
            for key, *reference in open_rows.values_list(to, *names):
                self._open.setdefault((keeper, key), []).extend(reference)

    def matters(self, row: Row) -> list[str]:
        """The file references of the active holds that cover the row, or the one with which it ends."""
        return sorted({matter for source in self._sources for matter in self._of(source, row)})

    def open(self, keeper: Keeper, row: Row) -> list[str]:
        """What is open and keeps the row, in words; at least one."""
        found = [
            name
            for source in self._sources
            if (key := source.key_of(keeper))
            for name in self._open.get((keeper, row[key]), [])
        ]
        return [str(keeper.why).format(reference=_shown(name)) for name in dict.fromkeys(found)] or [
            str(keeper.why).format(reference="").strip()
        ]

    def _of(self, source: "_Source", row: Row) -> Iterator[str]:
        by_account = self._accounts.get(row[source.account], ()) if source.account else ()
        for part, value in chain(source.shown(row), by_account):
            for item in self._items.get((part.scope, part.key(value)), ()):
                if part.covers(item, value):
                    yield item.hold.matter


class _Source:
    """Where in a row stands what a hold can name: its own key, or that of the row with which it ends."""

    def __init__(self, model: type[Model], prefix: str) -> None:
        self.model = model
        self.record = f"{prefix}pk"
        path = coverage.account_path(model)
        self.account = prefix + path if path else ""
        self.parts = [(part, prefix + part.path if part.path else "") for part in coverage.own(model)]

    @property
    def columns(self) -> list[str]:
        return [name for name in (self.record, self.account, *(column for _part, column in self.parts)) if name]

    def shown(self, row: Row) -> list[tuple[Part, Any]]:
        return [(part, row[column] if column else None) for part, column in self.parts]

    def key_of(self, keeper: Keeper) -> str:
        """The column by which an open row of the keeper's is known to keep this one; "" when it does not."""
        if keeper.account:
            return self.account
        return self.record if keeper.kept_model is self.model else ""


def _shown(reference: Any) -> str:
    """A reference as it is, a date or an instant as its day."""
    return f"{reference:%Y-%m-%d}" if isinstance(reference, date) else str(reference)
