"""Why rows are kept whatever their period says, as conditions, and the words for each.

What could go wrong: an explanation that says other than what the purge does. So whether a row is kept is asked of the
very condition that the purge obeys (`predicate.kept`); the grounds here are its parts, asked only of rows that it
keeps, to name them.

A row that ends together with another (a note with its account) is kept by whatever keeps that one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q
from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.kit.calendar import start_of
from crasme.kit.datamap import Keeper
from retention import obstacles, predicate
from retention.endings import Ending
from retention.models import HoldItem
from retention.obstacles import Scopes, any_of

Scope = HoldItem.Scope
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
        self._homes: dict[Any, Any] = dict(
            Account._base_manager.filter(pk__in=accounts).values_list("pk", "organisation")
        )
        homes = {row[name] for row in rows for source in self._sources for name in source.organisations}
        covering = Q(scope__in=[Scope.CATEGORY, Scope.PERIOD]) | Q(account__in=accounts)
        covering |= Q(organisation__in={*homes, *self._homes.values()} - {None})
        for source in self._sources:
            records = [str(row[source.record]) for row in rows]
            covering |= Q(scope=Scope.RECORD, label=source.label, record__in=records)
        items = HoldItem.objects.active().filter(covering).order_by().select_related("hold")
        self._wide: list[HoldItem] = []
        self._matters: dict[Any, set[str]] = {}
        for item in items:
            if item.scope in (Scope.CATEGORY, Scope.PERIOD):
                self._wide.append(item)
            else:
                key = item.account_id or item.organisation_id or (item.label, item.record)
                self._matters.setdefault(key, set()).add(item.hold.matter)
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
        account = row[source.account] if source.account else None
        keys = [account, self._homes.get(account) if account else None, (source.label, str(row[source.record]))]
        keys += [row[name] for name in source.organisations]
        for key in keys:
            if key is not None:
                yield from self._matters.get(key, ())
        for item in self._wide:
            if source.covered(item, row):
                yield item.hold.matter


class _Source:
    """Where in a row stands what a hold can name: its own key, or that of the row with which it ends."""

    def __init__(self, model: type[Model], prefix: str) -> None:
        table = obstacles.table_of(model)
        self.model = model
        self.label = model._meta.label_lower
        self.record = f"{prefix}pk"
        self.organisations = [prefix + name for name in obstacles.organisation_fields(model)]
        path = table.subject.get("account") if table else None
        self.account = prefix + path if path else ""
        self.category = table.category.value if table else ""
        day = obstacles.date_path(table) if table else None
        self.day = prefix + day if day else ""

    @property
    def columns(self) -> list[str]:
        return [name for name in (self.record, self.account, self.day, *self.organisations) if name]

    def key_of(self, keeper: Keeper) -> str:
        """The column by which an open row of the keeper's is known to keep this one; "" when it does not."""
        if keeper.account:
            return self.account
        return self.record if keeper.kept_model is self.model else ""

    def covered(self, item: HoldItem, row: Row) -> bool:
        """Whether a hold on a category or a period covers it."""
        if item.scope == Scope.CATEGORY:
            return item.category == self.category
        if not self.day or item.category not in ("", self.category) or (day := row[self.day]) is None:
            return False
        if hasattr(day, "tzinfo"):
            return bool(start_of(item.since) <= day < start_of(item.until))  # type: ignore[arg-type]
        return bool(item.since <= day < item.until)


def _shown(reference: Any) -> str:
    """A reference as it is, a date or an instant as its day."""
    return f"{reference:%Y-%m-%d}" if isinstance(reference, date) else str(reference)
