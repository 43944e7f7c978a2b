"""Which rows end now: one condition, compiled to SQL, for preview, purge, verification and explanation alike.

A row ends when its date lies before the cut-off AND nothing keeps it: no hold on itself, its account, organisation,
category or period, no restriction of its account, nothing open about it, no row that must stay and depends on it. The
cut-off instant itself is kept. What keeps wins over every period.
"""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from crasme.crm.models import Account
from crasme.kit import datamap
from retention import fields, graph, obstacles
from retention.models import BackupSet, Rule
from retention.obstacles import Scopes

FEW_ACCOUNTS = 2_000  # so many are looked up in an index faster than the rows are read

# What a rule looks at beside the date: rows on which it has acted already are not due again.
_STILL_THERE: dict[str, Q] = {
    Rule.Action.ERASE_ACCOUNT: Q(status=Account.Status.CLOSED),
    # A processor deletes its copies itself; a person sees that they are gone (services.seen_gone).
    Rule.Action.DELETE_FILES: Q(verified_gone_at=None) & ~Q(kind=BackupSet.Kind.PROCESSOR),
}


def due(rule: Rule, cutoff: datetime, *, model: type[Model] | None = None) -> QuerySet[Any]:
    """Rows whose period is over, kept or not. `model` is the rule's target, or the shelf of a partitioned one."""
    rows = (model or rule.model)._base_manager.filter(**{f"{rule.anchor}__lt": rule.bound(cutoff)})
    condition = fields.pending(rule, cutoff) if rule.changes_fields else still_there(rule)
    return rows.filter(condition) if condition is not None else rows


def still_there(rule: Rule) -> Q | None:
    """True for rows that the rule ends and on which it has not acted yet, and is the one to act; None: it leaves
    nothing behind. A rule on fields ends no rows."""
    return _STILL_THERE.get(rule.action)


def past(rule: Rule, cutoff: datetime) -> QuerySet[Any]:
    """Rows whose period is over and that nothing keeps, whether a rule on fields has acted on them already or not."""
    rows = rule.model._base_manager.filter(**{f"{rule.anchor}__lt": rule.bound(cutoff)})
    keeping = kept(rule, rule.model, Scopes.now())
    return rows.exclude(keeping) if keeping is not None else rows


def releasable(
    rule: Rule, cutoff: datetime, *, scopes: Scopes | None = None, model: type[Model] | None = None
) -> QuerySet[Any]:
    """Rows to end now. Hand in `scopes` only when they were read in this transaction, under the holds lock."""
    rows = due(rule, cutoff, model=model)
    keeping = kept(rule, model or rule.model, scopes or Scopes.now())
    return rows.exclude(keeping) if keeping is not None else rows


def deferred(
    rule: Rule, cutoff: datetime, *, scopes: Scopes | None = None, model: type[Model] | None = None
) -> QuerySet[Any]:
    """Rows whose period is over and that something keeps."""
    rows = due(rule, cutoff, model=model)
    keeping = kept(rule, model or rule.model, scopes or Scopes.now())
    return rows.filter(keeping) if keeping is not None else rows.none()


def deferred_by_few(
    rule: Rule, cutoff: datetime, *, scopes: Scopes | None = None, model: type[Model] | None = None
) -> QuerySet[Any]:
    """The rows of `deferred`, to be counted or copied. Where only the rows of some few accounts are kept, these are
    named, so that the index finds them: the planner cannot know how few they are, and would read all that is over."""
    model, scopes = model or rule.model, scopes or Scopes.now()
    rows = deferred(rule, cutoff, scopes=scopes, model=model)
    accounts = kept_accounts(rule, model, scopes)
    if accounts is None:
        return rows
    keys = list(accounts.order_by().values_list("pk", flat=True)[: FEW_ACCOUNTS + 1])
    if not keys:
        return rows.none()
    if len(keys) > FEW_ACCOUNTS:
        return rows
    return rows.filter(**{f"{datamap.table(model._meta.label).subject['account']}__in": keys})


def places(rule: Rule) -> list[type[Model]]:
    """Where the rule's rows lie: in its target, and on the shelf of a partitioned one."""
    return [rule.model, *([apps.get_model(rule.carry_to)] if rule.carry_to else [])]


def kept(rule: Rule, model: type[Model], scopes: Scopes) -> Q | None:
    """True for rows of the rule's target, or of its shelf, that something keeps; None: nothing can."""
    keeping = obstacles.held(model, scopes, or_restricted=True)
    if not takes_rows(rule):
        return keeping
    pointing = [condition for _child, condition in referenced(rule, model)]
    return obstacles.any_of(keeping, obstacles.leant_on(model, scopes, or_open=True), *pointing)


def kept_accounts(rule: Rule, model: type[Model], scopes: Scopes) -> QuerySet[Account] | None:
    """The accounts whose rows are all kept, where nothing else can keep one; None where something can."""
    if takes_rows(rule) and (obstacles.leant_on(model, scopes, or_open=True) is not None or referenced(rule, model)):
        return None
    return obstacles.kept_accounts(model, scopes)


def takes_rows(rule: Rule) -> bool:
    """Whether the rule deletes the rows themselves, so that what depends on them matters."""
    return rule.action in (Rule.Action.DELETE, Rule.Action.DROP_PARTITIONS)


def referenced(rule: Rule, model: type[Model]) -> list[tuple[type[Model], Q]]:
    """Tables whose rows must not lose what they point at, by the models' own PROTECT or by the rule's word; with the
    condition, true for rows that one of theirs points at."""
    pointing = [(edge.child, edge.field) for edge in graph.edges_to(model) if edge.on_delete is graph.OnDelete.PROTECT]
    if model is rule.model:
        for reference in rule.unreferenced_by:
            label, _separator, name = reference.rpartition(".")
            child = apps.get_model(label)
            pointing.append((child, child._meta.get_field(name)))
    return [
        (child, Q(Exists(child._base_manager.filter(**{field.name: OuterRef(field.target_field.name)}))))
        for child, field in pointing
    ]
