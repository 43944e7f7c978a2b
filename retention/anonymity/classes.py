"""Classes: rows that are equal in some columns, counted in rows and in people."""

from typing import Any

from django.db.models import Count, Model, Q, QuerySet, Value
from django.db.models.functions import Least

from crasme.kit import datamap
from crasme.kit.datamap import Table


def grouped(
    rows: QuerySet[Any], columns: dict[str, Any], by: tuple[str, ...], distinct: tuple[str, ...] = ()
) -> QuerySet[Any]:
    """One line a class of equal values: `n` rows of `people`, and the number of values of each column in `distinct`."""
    keys: dict[str, Any] = {f"by_{name}": columns[name] for name in by} or {"by_nothing": Value(1)}
    # NULL is a value: who has none is told from who has one.
    counted = {
        f"values_{name}": Count(columns[name], distinct=True) + Least(Count("*") - Count(columns[name]), 1)
        for name in distinct
    }
    classes: QuerySet[Any] = (
        rows.order_by().annotate(**keys).values(*keys).annotate(n=Count("*"), people=people(rows.model), **counted)
    )
    return classes


def account_of(model: type[Model]) -> str | None:
    """The path from a row to the account whose it is; None where rows do not say."""
    table = datamap.covers(model._meta.label)
    return table.subject.get("account") if isinstance(table, Table) else None


def people(model: type[Model]) -> Any:
    """How many people a class is of: accounts, and each row that names none (any more) for one of its own."""
    path = account_of(model)
    if path is None:
        return Count("*")
    return Count(path, distinct=True) + Count("pk", filter=Q(**{f"{path}__isnull": True}))
