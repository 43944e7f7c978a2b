"""Ending rows in batches: what most rules do, and what partitions leave over.

What could go wrong: what `retention.engine.passes` says, and a key list that is out of date (so the deletion asks the
whole condition once more).
"""

from datetime import datetime
from typing import Any

from django.db.models import Model

from crasme.kit.among import among
from retention import locks, operations, predicate
from retention.engine import checkpoint, digests
from retention.engine.passes import Position, keys_after, through, watermark
from retention.engine.watch import Watch
from retention.models import Rule, Run
from retention.obstacles import Scopes


def end(run: Run, watch: Watch, model: type[Model] | None = None, *, waits: bool = False) -> bool:
    """End the rows of the rule's target (or of `model`, its shelf). False when time ran out before it was through;
    `waits` as in `passes.through`."""
    target = model or run.rule.model

    def batch(position: Position | None, skip_locked: bool) -> Position | None:
        return _batch(run, watch, target, position, skip_locked)

    return through(run, watch, "rows", target, batch, waits=waits)


def _batch(run: Run, watch: Watch, model: type[Model], position: Position | None, skip_locked: bool) -> Position | None:
    checkpoint.begin(run, watch, measured=True)
    locks.share_holds()
    rule = run.rule
    rows = predicate.releasable(rule, run.cutoff, scopes=Scopes.now(), model=model)
    keys, first, last = keys_after(rows, rule.anchor, position, watch.pace.rows, skip_locked)
    if not keys:
        return None
    after = last, keys[-1]
    # The range lets PostgreSQL look into the partitions concerned only.
    batch = rows.filter(**{"pk__in": among(model._meta.pk, keys), f"{rule.anchor}__range": (first, last)})
    counts: dict[str, int] = {}
    ended = 0
    steps = operations.ended_fields(batch, rule, run.cutoff) if rule.changes_fields else operations.cascade(batch)
    for step in steps:
        ended = step.apply(watch.now)  # the last step is the target's own
        if step.kind is not operations.Kind.UNLINK:
            label = step.model._meta.label_lower
            counts[label] = counts.get(label, 0) + ended
    if ended != len(keys):
        # Something came to keep a row between two statements; what stayed is no part of what went.
        keys = sorted(set(keys) - _stayed(rule, model, run.cutoff, keys))
    watch.reached("rows.deleted")
    checkpoint.note(
        run,
        watch,
        label=model._meta.label_lower,
        rows=ended,
        digest=digests.of_keys(keys),
        counts=counts,
        at=watermark(model, "rows", skip_locked=skip_locked, position=after),
    )
    return after


def _stayed(rule: Rule, model: type[Model], cutoff: datetime, keys: list[Any]) -> set[Any]:
    """Of these rows, those on which the rule has not acted."""
    untouched = predicate.due(rule, cutoff, model=model)
    return set(untouched.filter(pk__in=among(model._meta.pk, keys)).values_list("pk", flat=True))
