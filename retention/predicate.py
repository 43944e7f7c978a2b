"""Which rows end now: one condition, compiled to SQL, for preview, purge, verification and explanation alike.

A row ends when its date lies before the cut-off AND nothing keeps it: no hold on itself, its account, organisation,
category or period, no restriction of its account, no row that must stay and depends on it. The cut-off instant itself
is kept. Holds and restrictions win over every period.
"""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from crasme.crm.models import Account
from retention import graph, obstacles
from retention.models import BackupSet, Rule
from retention.obstacles import Scopes

# What a rule looks at beside the date: rows on which it has acted already are not due again.
_STILL_THERE: dict[str, Q] = {
    Rule.Action.ERASE_ACCOUNT: Q(status=Account.Status.CLOSED),
    # A processor deletes its copies itself; a person sees that they are gone (services.seen_gone).
    Rule.Action.DELETE_FILES: Q(verified_gone_at=None) & ~Q(kind=BackupSet.Kind.PROCESSOR),
}


def due(rule: Rule, cutoff: datetime, *, model: type[Model] | None = None) -> QuerySet[Any]:
    """Rows whose period is over, kept or not. `model` is the rule's target, or the shelf of a partitioned one."""
    rows = (model or rule.model)._base_manager.filter(**{f"{rule.anchor}__lt": rule.bound(cutoff)})
    condition = _STILL_THERE.get(rule.action)
    return rows.filter(condition) if condition is not None else rows


def releasable(
    rule: Rule, cutoff: datetime, *, scopes: Scopes | None = None, model: type[Model] | None = None
) -> QuerySet[Any]:
    """Rows to end now. Hand in `scopes` only when they were read in this transaction, under the holds lock."""
    rows = due(rule, cutoff, model=model)
    kept = _kept(rule, model or rule.model, scopes or Scopes.now())
    return rows.exclude(kept) if kept is not None else rows


def deferred(
    rule: Rule, cutoff: datetime, *, scopes: Scopes | None = None, model: type[Model] | None = None
) -> QuerySet[Any]:
    """Rows whose period is over and that something keeps."""
    rows = due(rule, cutoff, model=model)
    kept = _kept(rule, model or rule.model, scopes or Scopes.now())
    return rows.filter(kept) if kept is not None else rows.none()


def _kept(rule: Rule, model: type[Model], scopes: Scopes) -> Q | None:
    kept = obstacles.held(model, scopes, or_restricted=True)
    if rule.action not in (Rule.Action.DELETE, Rule.Action.DROP_PARTITIONS):
        return kept
    return obstacles.any_of(kept, obstacles.leant_on(model, scopes), *_referenced(rule, model))


def _referenced(rule: Rule, model: type[Model]) -> list[Q]:
    """Rows that something points at which must not lose them: by the models' own PROTECT, or by the rule's word."""
    pointing = [(edge.child, edge.field) for edge in graph.edges_to(model) if edge.on_delete is graph.OnDelete.PROTECT]
    if model is rule.model:
        for reference in rule.unreferenced_by:
            label, _separator, name = reference.rpartition(".")
            child = apps.get_model(label)
            pointing.append((child, child._meta.get_field(name)))
    return [
        Q(Exists(child._base_manager.filter(**{field.name: OuterRef(field.target_field.name)})))
        for child, field in pointing
    ]
