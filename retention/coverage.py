"""What a hold covers: the meaning of each scope, once, for everyone who asks.

It is asked in four ways, which stand side by side in each class below: of rows, whether an item covers them (`held_by`,
which the purge obeys); of an item, which rows it covers (`caught`); of items, whether they cover any of some rows
(`touching`, for the file references); and in Python, of an item and a row that are loaded (`covers`, to explain).

What could go wrong: the purge takes a scope in one sense and the explanation in another. So a new scope is a class
here, and a test asks random rows and items in all the ways. And SQL's NULL, and its planner: `held_by` is an EXISTS on
the items without any join, for what `retention.obstacles` says.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db.models import CharField, DateField, DateTimeField, Exists, F, ForeignKey, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from crasme.crm.models import Account, Organisation
from crasme.kit import datamap
from crasme.kit.calendar import start_of
from crasme.kit.datamap import Table
from retention.models import HoldItem

Scope = HoldItem.Scope
Kinds = Collection[tuple[str, str, str]]  # (scope, category, label) of the items that there are
Items = QuerySet[HoldItem]
Values = QuerySet[Any] | Collection[Any]


@dataclass(frozen=True, slots=True)
class Part(ABC):
    """How items of one scope cover the rows of one model: by what stands in the row at `path`; "": not by that."""

    scope: str
    path: str

    def possible(self, kinds: Kinds) -> bool:
        """Whether an item of one of these kinds can cover any row."""
        return any(scope == self.scope for scope, _category, _label in kinds)

    @abstractmethod
    def held_by(self, items: Items) -> Q:
        """On rows: that one of the items covers the row."""

    @abstractmethod
    def caught(self, item: HoldItem) -> Q | None:
        """On rows: that this item, of this scope, covers the row; None when it covers none."""

    @abstractmethod
    def naming(self, values: Values) -> Q:
        """On items: that one names one of the values of `path`. Of a period only that it may."""

    def touching(self, rows: QuerySet[Any]) -> Q:
        """On items: that one covers any of the rows."""
        return self.naming(rows.order_by().values(self.path))

    @abstractmethod
    def covers(self, item: HoldItem, value: Any) -> bool:
        """Whether the item, of this scope, covers a row with this value of `path`."""

    def key(self, value: Any) -> Hashable:
        """What `key_of` is of the items that can cover such a row, to find them among many."""
        found: Hashable = value
        return found


@dataclass(frozen=True, slots=True)
class ByName(Part):
    """Rows in which the account or the organisation stands that an item names, in its column called as the scope."""

    def held_by(self, items: Items) -> Q:
        return Q(Exists(items.filter(**{self.scope: OuterRef(self.path)})))

    def caught(self, item: HoldItem) -> Q | None:
        return Q(**{self.path: key_of(item)})

    def naming(self, values: Values) -> Q:
        return Q(**{f"{self.scope}__in": values})

    def covers(self, item: HoldItem, value: Any) -> bool:
        return value is not None and key_of(item) == value


@dataclass(frozen=True, slots=True)
class ByCategory(Part):
    category: str

    def possible(self, kinds: Kinds) -> bool:
        return any(scope == self.scope and category == self.category for scope, category, _label in kinds)

    def held_by(self, items: Items) -> Q:
        return Q(Exists(items.filter(scope=self.scope, category=self.category)))

    def caught(self, item: HoldItem) -> Q | None:
        return Q(pk__isnull=False) if item.category == self.category else None

    def naming(self, values: Values) -> Q:
        return Q(scope=self.scope, category=self.category)

    def touching(self, rows: QuerySet[Any]) -> Q:
        return Q(Exists(rows.order_by()), scope=self.scope, category=self.category)

    def covers(self, item: HoldItem, value: Any) -> bool:
        return item.category == self.category

    def key(self, value: Any) -> Hashable:
        return ""


@dataclass(frozen=True, slots=True)
class ByPeriod(Part):
    """Rows by their own date, of the item's category or, where it names none, of any. The dates are days in UTC."""

    category: str
    exact: bool  # the row tells an instant, not a day

    def possible(self, kinds: Kinds) -> bool:
        return any(scope == self.scope and category in ("", self.category) for scope, category, _label in kinds)

    def held_by(self, items: Items) -> Q:
        within = items.filter(scope=self.scope, category__in=["", self.category])
        return Q(Exists(within.filter(since__lte=OuterRef(self.path), until__gt=OuterRef(self.path))))

    def caught(self, item: HoldItem) -> Q | None:
        if item.category not in ("", self.category):
            return None
        since, until = self._bounds(item)
        return Q(**{f"{self.path}__gte": since, f"{self.path}__lt": until})

    def naming(self, values: Values) -> Q:
        return Q(scope=self.scope, category__in=["", self.category])

    def touching(self, rows: QuerySet[Any]) -> Q:
        within = {f"{self.path}__gte": OuterRef("since"), f"{self.path}__lt": OuterRef("until")}
        return Q(Exists(rows.order_by().filter(**within)), scope=self.scope, category__in=["", self.category])

    def covers(self, item: HoldItem, value: Any) -> bool:
        if value is None or item.category not in ("", self.category):
            return False
        since, until = self._bounds(item)
        return bool(since <= value < until)

    def key(self, value: Any) -> Hashable:
        return ""

    def _bounds(self, item: HoldItem) -> tuple[date, date] | tuple[datetime, datetime]:
        since, until = item.since or date.min, item.until or date.min  # the database has both for a period
        return (start_of(since), start_of(until)) if self.exact else (since, until)


@dataclass(frozen=True, slots=True)
class ByRecord(Part):
    """One row by its key, in the spelling that PostgreSQL and Python give it; on the shelf still by its first table."""

    labels: tuple[str, ...]

    def possible(self, kinds: Kinds) -> bool:
        return any(scope == self.scope and label in self.labels for scope, _category, label in kinds)

    def held_by(self, items: Items) -> Q:
        key = Cast(OuterRef(self.path), CharField())
        return Q(Exists(items.filter(scope=self.scope, label__in=self.labels, record=key)))

    def caught(self, item: HoldItem) -> Q | None:
        return Q(**{self.path: item.record}) if item.label in self.labels else None

    def naming(self, values: Values) -> Q:
        if not isinstance(values, QuerySet):
            values = [str(value) for value in values]
        return Q(scope=self.scope, label__in=self.labels, record__in=values)

    def touching(self, rows: QuerySet[Any]) -> Q:
        return self.naming(rows.order_by().annotate(as_text=Cast(F(self.path), CharField())).values("as_text"))

    def covers(self, item: HoldItem, value: Any) -> bool:
        return item.label in self.labels and item.record == str(value)

    def key(self, value: Any) -> Hashable:
        return str(value)


def key_of(item: HoldItem) -> Hashable:
    """What the item names, as `Part.key` gives it for a row."""
    return item.account_id or item.organisation_id or item.record


# What covers an account, and by it all of its rows.
OF_ACCOUNTS: tuple[Part, ...] = (ByName(Scope.ACCOUNT, "pk"), ByName(Scope.ORGANISATION, "organisation"))


def own(model: type[Model]) -> list[Part]:
    """What covers rows of the model beside their account (an account beside what covers all of its rows too)."""
    parts: list[Part] = []
    if model is not Account:
        fields = model._meta.concrete_fields
        homes = [each.name for each in fields if isinstance(each, ForeignKey) and each.related_model is Organisation]
        parts += [ByName(Scope.ORGANISATION, name) for name in homes]
    if (table := table_of(model)) is not None:
        parts.append(ByCategory(Scope.CATEGORY, "", table.category.value))
        if day := date_path(table):
            exact = isinstance(model._meta.get_field(day), DateTimeField)
            parts.append(ByPeriod(Scope.PERIOD, day, table.category.value, exact))
    labels = (model._meta.label_lower, *([table.shelf_of.lower()] if table is not None and table.shelf_of else []))
    return [*parts, ByRecord(Scope.RECORD, "pk", labels)]


def account_path(model: type[Model]) -> str:
    """The path from a row to its account, "pk" for an account itself; "" where rows belong to none."""
    if model is Account:
        return "pk"
    table = table_of(model)
    return table.subject.get("account", "") if table is not None else ""


def held_by(model: type[Model], items: Items, scopes: Collection[str]) -> list[Q]:
    """On rows of the model: that one of the items of these scopes covers the row; to be joined by OR."""
    found = [part.held_by(items) for part in own(model) if part.scope in scopes]
    if path := account_path(model):
        accounts = Account._base_manager.filter(pk=OuterRef(path))
        by_account = [part.held_by(items) for part in OF_ACCOUNTS if part.scope in scopes]
        found += by_account if model is Account else [Q(Exists(accounts.filter(each))) for each in by_account]
    return found


def caught(model: type[Model], item: HoldItem) -> list[Q]:
    """On rows of the model: that this one item covers the row; to be joined by OR, none where it covers none."""
    found = [part.caught(item) for part in own(model) if part.scope == item.scope]
    if path := account_path(model):
        for part in OF_ACCOUNTS:
            if part.scope == item.scope and part.path == "pk":  # by its key, so that the index finds it
                found.append(replace(part, path=path).caught(item))
            elif part.scope == item.scope:
                found.append(Q(**{f"{path}__in": Account._base_manager.filter(part.caught(item)).values("pk")}))
    return [each for each in found if each is not None]


def touching(model: type[Model], rows: QuerySet[Any]) -> list[Q]:
    """On items: that one covers any of the rows of the model; to be joined by OR."""
    found = [part.touching(rows) for part in own(model)]
    if path := account_path(model):
        accounts = Account._base_manager.filter(pk__in=rows.order_by().values(path))
        found += [part.touching(accounts) for part in OF_ACCOUNTS]
    return found


def table_of(model: type[Model]) -> Table | None:
    declared = datamap.covers(model._meta.label)
    return declared if isinstance(declared, Table) else None


def date_path(table: Table) -> str | None:
    """The path to a row's own date, by which a hold on a period finds it: the one that sorts an export."""
    if table.order == "pk" or "__" in table.order:
        return None
    return table.order if isinstance(table.model._meta.get_field(table.order), DateField) else None
