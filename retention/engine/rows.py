"""Ending rows in batches: what most rules do, and what partitions leave over.

What could go wrong: a batch that waits for a locked row holds up a thousand others (so a first pass skips locked rows,
and a second one waits for them), rows in the way at the front are read again and again (so each pass goes on after the
last key), or a key list that is out of date (so the deletion asks the whole condition once more).
"""

from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from retention import locks, operations, predicate
from retention.engine import checkpoint, digests
from retention.engine.watch import Watch
from retention.models import Run
from retention.obstacles import Scopes

Position = tuple[Any, Any]  # anchor and key of the last row looked at


def end(run: Run, watch: Watch, model: type[Model] | None = None) -> bool:
    """End the rows of the rule's target (or of `model`, its shelf). False when time ran out before it was through."""
    target = model or run.rule.model
    for skip_locked in (True, False):
        position: Position | None = None
        while True:
            if watch.is_over():
                return False
            with transaction.atomic():
                position = _batch(run, watch, target, position, skip_locked)
            if position is None:
                break
            watch.reached("rows.committed")
    return True


def _batch(run: Run, watch: Watch, model: type[Model], position: Position | None, skip_locked: bool) -> Position | None:
    """One transaction; the position after it, None when there was nothing left."""
    checkpoint.begin(run)
    locks.share_holds()
    rule = run.rule
    rows = predicate.releasable(rule, run.cutoff, scopes=Scopes.now(), model=model)
    found = keys_after(rows, rule.anchor, position, rule.batch_size, skip_locked)
    if not found:
        return None
    keys = [key for key, _anchor in found]
    # The range lets PostgreSQL look into the partitions concerned only.
    batch = rows.filter(**{"pk__in": keys, f"{rule.anchor}__range": (found[0][1], found[-1][1])})
    counts: dict[str, int] = {}
    ended = 0
    for step in operations.cascade(batch):
        ended = step.apply(watch.now)  # the last step is the target's own
        if step.kind is operations.Kind.DELETE:
            label = step.model._meta.label_lower
            counts[label] = counts.get(label, 0) + ended
    watch.reached("rows.deleted")
    checkpoint.note(run, watch, label=model._meta.label_lower, rows=ended, digest=digests.of_keys(keys), counts=counts)
    return found[-1][1], found[-1][0]


def keys_after(
    rows: QuerySet[Any], anchor: str, position: Position | None, size: int, skip_locked: bool
) -> list[tuple[Any, Any]]:
    """The next keys with their anchors, oldest first, locked for the current transaction."""
    if position is not None:
        at, key = position
        rows = rows.filter(Q(**{f"{anchor}__gt": at}) | Q(**{anchor: at, "pk__gt": key}), **{f"{anchor}__gte": at})
    return list(rows.order_by(anchor, "pk").select_for_update(skip_locked=skip_locked).values_list("pk", anchor)[:size])
