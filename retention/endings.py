"""Which rule ends a table's rows, and when a given row's period is over."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.db.models import Max, Model, Q, QuerySet

from crasme.kit import calendar
from crasme.kit.datamap import Table
from crasme.kit.statements import Fetch
from retention import fields, graph
from retention.models import Rule

_ACTIVE = Fetch(Rule.objects.active)


@dataclass(frozen=True, slots=True)
class Ending:
    """`path` leads from a row of the table to the date that its rule counts from; `up` to the row of the rule's target
    with which it ends, and is empty where it is the target itself, or its shelf."""

    rule: Rule
    path: str
    up: str = ""

    @property
    def basis(self) -> str:
        """The same for every row and day, so that a plan's hash can hold it: "P7Y after crm.invoice.issued_on"."""
        return f"{self.rule.period} after {self.rule.target}.{self.rule.anchor}"

    def until(self, anchor: date | datetime | None) -> datetime | None:
        """When the period that began at `anchor` is over (aware, UTC); None while it has not begun."""
        if anchor is None:
            return None
        end = calendar.add(anchor, self.rule.length)
        return end.astimezone(UTC) if isinstance(end, datetime) else calendar.start_of(end)

    def past(self, now: datetime) -> Q:
        """True for rows whose period is over at `now`: the very comparison that the purge makes."""
        return Q(**{f"{self.path}__lt": self.rule.bound(self.rule.cutoff(now))})

    def last(self, rows: QuerySet[Any]) -> datetime | None:
        """When the last of the rows is over; None when one of their periods has not begun, or there are none."""
        dates = rows.order_by()
        if dates.filter(**{f"{self.path}__isnull": True}).exists():
            return None
        return self.until(dates.aggregate(latest=Max(self.path))["latest"])


class Endings:
    """The endings of all tables, from the rules that are active now (read once)."""

    def __init__(self) -> None:
        self.rules = {rule.slug: rule for rule in _ACTIVE()}

    def of(self, table: Table) -> list[Ending]:
        """The rules that end rows of the table, the one that leaves nothing of the row last; empty when none does.
        RuleBroken when the one that the data map names is about a table that is no more."""
        model = table.model
        named = self.rules.get(table.ends)
        found = [named] if named is not None and _ends_rows(named) else []
        label = model._meta.label_lower
        found += [
            rule
            for rule in self.rules.values()
            if rule is not named and _ends_rows(rule) and rule.target.lower() == label
        ]
        endings = [
            Ending(rule, f"{up}__{rule.anchor}" if up else rule.anchor, up)
            for rule in found
            if (up := _up(rule, table, model)) is not None
        ]
        return sorted(endings, key=lambda ending: ending.rule.action == Rule.Action.DELETE)

    def final(self, table: Table) -> Ending | None:
        """The ending after which nothing of a row is left."""
        endings = self.of(table)
        return endings[-1] if endings else None


def _ends_rows(rule: Rule) -> bool:
    return rule.action != Rule.Action.KEEP and not rule.changes_fields


def _up(rule: Rule, table: Table, model: type[Model]) -> str | None:
    if model._meta.label_lower in (rule.target.lower(), rule.carry_to.lower()):
        return ""
    if rule.action == Rule.Action.ERASE_ACCOUNT:
        account = table.subject.get("account")
        # Without a foreign key there is nothing to follow to the account's dates.
        return account if account and _is_relation(model, account) else None
    try:
        target = apps.get_model(rule.target)
    except (LookupError, ValueError) as error:
        raise fields.broken(rule, rule.target) from error
    return graph.path_up(model, target)


def _is_relation(model: type[Model], path: str) -> bool:
    current: Any = model
    for name in path.split("__"):
        current = current._meta.get_field(name).related_model
        if current is None:
            return False
    return True
