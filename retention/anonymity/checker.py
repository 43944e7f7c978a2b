"""The checks, each one statement over all rows: classes, rare values, keys that stay, shared values, reversal.

The rows are those past the rule's cut-off that nothing keeps, those of earlier runs included; columns that the rule
changes are read through its own expressions, so that what is measured is what the rows will be.

What could go wrong: a hundred rows of one person that pass for a crowd (people are counted, as long as the rows still
say whose they are), a check that a new column slips through (whatever stays and is not classified is a finding), a
pseudonym that is in place before anybody asks (a hash is a finding by itself), or a table of ten rows called anonymous
because nothing was compared (classes are counted, not sampled), or small classes that nobody asked about, such as those
of all harmless columns together (so whoever knows all of them is let loose on it: retention.anonymity.nearest).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, Min, Model, OuterRef, Q, QuerySet, Subquery, Sum

from crasme.kit import datamap
from crasme.kit.datamap import Table
from crasme.kit.fields import EncryptedField
from retention import fields, graph, predicate
from retention.anonymity import closeness
from retention.anonymity.classes import grouped, people
from retention.anonymity.decision import Decision
from retention.anonymity.report import Figures, Finding, Question, Report, Search
from retention.anonymity.searching import search_for
from retention.fields import FRESH, HASH, Change
from retention.models import Rule

# Kinds of columns whose values can be the same in two tables, and mean the same person.
_FAMILIES: tuple[tuple[str, tuple[type[models.Field], ...]], ...] = (
    ("text", (models.CharField, models.TextField)),
    ("uuid", (models.UUIDField,)),
    ("address", (models.GenericIPAddressField,)),
    ("instant", (models.DateTimeField,)),
)
# Kinds whose values hide what is in them.
_OPAQUE = (models.JSONField, models.BinaryField, EncryptedField)


def check(rule: Rule, cutoff: datetime, now: datetime) -> Report:
    """Measure the rows before and after, and say what still makes them somebody's. Reads only. RuleBroken."""
    fields.require(rule)
    decision = Decision.of(rule)
    changes = {change.name: change for change in fields.changes(rule)}
    rows = predicate.past(rule, cutoff)
    before = {name: F(name) for name in decision.classified}
    # As the engine writes them: a column that another rule still needs stays as it is, row by row.
    written = fields.values(rule, cutoff)
    after = {name: written.get(name, F(name)) for name in decision.classified}
    telling = tuple(name for name in decision.sensitive if name not in changes or not changes[name].constant)
    report = Report(_figures(rows, before, decision, decision.sensitive), _figures(rows, after, decision, telling))
    search: Search | None = None
    recognised: list[Finding] = []
    found = [*_decided(rule, decision, changes, now)]
    if report.after.rows:
        found += [
            *_classes(report.after, decision),
            *_rare(rows, after, decision),
            *_kept_keys(rule.model, rows, changes),
            *_held_back(rule, rows, cutoff),
            *_shared(rule.model, rows, changes, decision),
            *_reversible(rows, changes),
            *_inferred(rows, after, decision, telling),
        ]
        search, recognised = search_for(rows, decision, changes, after, fields.pending(rule, cutoff))
    order = list(Question)
    findings = sorted([*found, *recognised], key=lambda each: order.index(each.question))
    return Report(report.before, report.after, tuple(findings), search)


def _figures(rows: QuerySet[Any], columns: dict[str, Any], decision: Decision, sensitive: tuple[str, ...]) -> Figures:
    classes = grouped(rows, columns, decision.quasi, sensitive)
    wanted = {
        "classes": Count("*"),
        "rows": Sum("n"),
        "smallest": Min("people"),
        "unique": Sum("n", filter=Q(people=1)),
        "below": Sum("n", filter=Q(people__lt=decision.k)),
        **{f"least_{name}": Min(f"values_{name}") for name in sensitive},
    }
    found = {name: number or 0 for name, number in classes.aggregate(**wanted).items()}
    least = [found.pop(f"least_{name}") for name in sensitive]
    farthest = max((closeness.farthest(rows, columns, decision, name)[0] for name in sensitive), default=0.0)
    return Figures(**found, diversity=min(least, default=0), distance=round(farthest, 6))


def _decided(rule: Rule, decision: Decision, changes: dict[str, Change], now: datetime) -> Iterator[Finding]:
    if decision.review_on < now.astimezone(UTC).date():
        yield Finding(Question.SINGLE_OUT, "review-overdue", "anonymity")
    for field in rule.model._meta.concrete_fields:
        change = changes.get(field.name)
        ended = change is not None and (change.constant or change.how == FRESH)
        if not ended and not field.primary_key and field.name not in decision.classified:
            yield Finding(Question.SINGLE_OUT, "unclassified", field.name)


def _classes(after: Figures, decision: Decision) -> Iterator[Finding]:
    if after.smallest < decision.k:
        yield Finding(Question.SINGLE_OUT, "small-class", ", ".join(decision.quasi), after.below)


def _rare(rows: QuerySet[Any], after: dict[str, Any], decision: Decision) -> Iterator[Finding]:
    # What cannot be compared with other tables may hold a key of somebody's, whatever it was called.
    opaque = [name for name in decision.sensitive if isinstance(rows.model._meta.get_field(name), _OPAQUE)]
    for name in (*decision.harmless, *opaque):
        rare = grouped(rows, after, (name,)).filter(people__lt=decision.k).aggregate(rows=Sum("n"))["rows"]
        if rare:
            yield Finding(Question.SINGLE_OUT, "rare-value", name, rare)


def _kept_keys(model: type[Model], rows: QuerySet[Any], changes: dict[str, Change]) -> Iterator[Finding]:
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


def _held_back(rule: Rule, rows: QuerySet[Any], cutoff: datetime) -> Iterator[Finding]:
    for change, other, there in fields.held_back(rule, cutoff):
        if number := rows.filter(there).count():
            yield Finding(Question.LINK, "held-back", change.name, number, other.slug)


def _shared(
    model: type[Model], rows: QuerySet[Any], changes: dict[str, Change], decision: Decision
) -> Iterator[Finding]:
    """Rare values of a column that stays, or is only made coarser, and that stand in another table about people too, or
    in rows of this one whose time is not over, or that something keeps."""
    for field in model._meta.concrete_fields:
        change = changes.get(field.name)
        family = _family(field)
        if family is None or field.primary_key or field.is_relation or (change is not None and change.constant):
            continue
        value = change.expression if change is not None else F(field.name)
        empty = Q(value__isnull=True) | (Q(value="") if family == "text" else Q())
        rare = rows.order_by().annotate(value=value).exclude(empty).values("value")
        rare = rare.annotate(n=Count("*"), people=people(model)).filter(people__lt=decision.k)
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


def _reversible(rows: QuerySet[Any], changes: dict[str, Change]) -> Iterator[Finding]:
    """What somebody finds who knows the old values and puts them through the same function: an outcome that only one
    of them has gives it away, however many rows have it. Asked while the old values are still there (what an outcome
    was made of in earlier runs nobody can say, which hides it); a hash has one outcome for each, and is known for what
    it is without them."""
    for change in changes.values():
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


def _inferred(
    rows: QuerySet[Any], after: dict[str, Any], decision: Decision, telling: tuple[str, ...]
) -> Iterator[Finding]:
    for name in telling:
        classes = grouped(rows, after, decision.quasi, (name,)).filter(**{f"values_{name}__lt": decision.l})
        if number := classes.aggregate(rows=Sum("n"))["rows"]:
            yield Finding(Question.INFER, "homogeneous", name, number)
        _distance, number = closeness.farthest(rows, after, decision, name)
        if number:
            yield Finding(Question.INFER, "skewed", name, number)
