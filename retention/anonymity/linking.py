"""WP216's second question, can rows be linked to somebody: keys and links that stay, values that stand elsewhere as
well, outcomes that known inputs give away."""

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from crasme.kit import datamap
from crasme.kit.datamap import Table
from crasme.kit.fields import EncryptedField
from retention import fields, graph
from retention.anonymity.classes import people
from retention.anonymity.measuring import Measured
from retention.anonymity.report import Finding, Question
from retention.fields import FRESH, HASH

# Kinds of columns whose values can be the same in two tables, and mean the same person.
_FAMILIES: tuple[tuple[str, tuple[type[models.Field], ...]], ...] = (
    ("text", (models.CharField, models.TextField)),
    ("uuid", (models.UUIDField,)),
    ("address", (models.GenericIPAddressField,)),
    ("instant", (models.DateTimeField,)),
)


def found(measured: Measured) -> Iterator[Finding]:
    yield from _kept_keys(measured)
    yield from _held_back(measured)
    yield from _shared(measured)
    yield from _reversible(measured)


def _kept_keys(measured: Measured) -> Iterator[Finding]:
    model, rows, changes = measured.model, measured.rows, measured.changes
    for edge in graph.edges_to(model):
        led_to = edge.field.target_field
        if not led_to.primary_key and led_to.name not in changes and edge.children_of(rows).exists():
            yield Finding(Question.LINK, "led-to", led_to.name, where=edge.child._meta.label)
    for field in model._meta.concrete_fields:
        change = changes.get(field.name)
        if change is not None and not (field.is_relation and change.after is not None):
            continue
        target = field.related_model
        if field.primary_key:
            yield Finding(Question.LINK, "stable-key", field.name)
        elif isinstance(target, type) and isinstance(datamap.covers(target._meta.label), Table):
            yield Finding(Question.LINK, "link-kept", field.name, where=target._meta.label)


def _held_back(measured: Measured) -> Iterator[Finding]:
    for change, other, there in fields.held_back(measured.rule, measured.cutoff):
        if number := measured.rows.filter(there).count():
            yield Finding(Question.LINK, "held-back", change.name, number, other.slug)


def _shared(measured: Measured) -> Iterator[Finding]:
    """Rare values of a column that stays, or is only made coarser, and that stand in another table about people too, or
    in rows of this one whose time is not over, or that something keeps."""
    model, rows = measured.model, measured.rows
    for field in model._meta.concrete_fields:
        change = measured.changes.get(field.name)
        family = _family(field)
        if family is None or field.primary_key or field.is_relation or (change is not None and change.constant):
            continue
        value = change.expression if change is not None else F(field.name)
        empty = Q(value__isnull=True) | (Q(value="") if family == "text" else Q())
        rare = rows.order_by().annotate(value=value).exclude(empty).values("value")
        rare = rare.annotate(n=Count("*"), people=people(model)).filter(people__lt=measured.decision.k)
        if not rare.exists():
            continue
        for table in datamap.tables():
            columns = [each for each in table.model._meta.concrete_fields if _family(each) == family]
            if not columns:
                continue
            besides = rows if table.model is model else None
            there = reduce(or_, (Q(value__in=_values(each, besides)) for each in columns))
            if number := rare.filter(there).aggregate(rows=Sum("n"))["rows"]:
                yield Finding(Question.LINK, "same-value", field.name, number, table.label)


def _values(field: Any, besides: QuerySet[Any] | None) -> Subquery:
    rows = field.model._base_manager.filter(**{f"{field.name}__isnull": False})
    if besides is not None:
        rows = rows.filter(~Exists(besides.order_by().filter(pk=OuterRef("pk"))))
    return Subquery(rows.order_by().values(field.name))


def _family(field: Any) -> str | None:
    if isinstance(field, EncryptedField) or field.is_relation:
        return None
    if isinstance(field, models.GenericIPAddressField):  # a CharField to some
        return "address"
    return next((name for name, kinds in _FAMILIES if isinstance(field, kinds)), None)


def _reversible(measured: Measured) -> Iterator[Finding]:
    """What somebody finds who knows the old values and puts them through the same function: an outcome that only one
    of them has gives it away, however many rows have it. Asked while the old values are still there (what an outcome
    was made of in earlier runs nobody can say, which hides it); a hash has one outcome for each, and is known for what
    it is without them."""
    rows = measured.rows
    for change in measured.changes.values():
        if change.constant or change.how == FRESH:
            continue
        if change.how == HASH:
            if number := rows.exclude(**{f"{change.name}__isnull": True}).exclude(**{change.name: ""}).count():
                yield Finding(Question.LINK, "reversible", change.name, number)
            continue
        outcomes = rows.order_by().annotate(outcome=change.expression).values("outcome")
        told = outcomes.annotate(
            n=Count("pk", filter=change.pending),
            inputs=Count(F(change.name), distinct=True, filter=change.pending),
            earlier=Count("pk", filter=~change.pending),
        ).filter(inputs=1, earlier=0)
        if number := told.aggregate(rows=Sum("n"))["rows"]:
            yield Finding(Question.LINK, "reversible", change.name, number)
