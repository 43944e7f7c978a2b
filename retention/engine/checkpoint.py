"""Writing down what a batch did, in the batch's own transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from crasme.kit import merkle
from retention.engine import digests, drift
from retention.engine.digests import Leaf
from retention.engine.watch import Watch
from retention.errors import RuleChanged, UnknownCount
from retention.models import Batch, Rule, Run

# A purge waits this long for a lock before it gives way and comes back later: whoever it blocks meanwhile are people.
LOCK_TIMEOUT = "3s"
# A batch is sized to take a second; one that takes this long is cancelled and tried again with half the rows.
STATEMENT_TIMEOUT = "30s"
AT = "at"  # in `progress`: the watermark
STAYS = "stays"  # and how many rows stay, counted at the end where they cannot be those of the plan
NOTED = ("rows_total", "counts", "digest", "progress", "busy", "wal_bytes")


def begin(run: Run, watch: Watch, *, measured: bool = False) -> None:
    """First thing in a batch's transaction. RuleChanged when the rule was replaced since the last one. With `measured`
    the next batch is sized by what this one costs, and it is bounded in time."""
    if not Rule.objects.active().filter(pk=run.rule_id).exists():
        raise RuleChanged(_("The rule is no longer in force."))
    limits = {"lock_timeout": LOCK_TIMEOUT} | ({"statement_timeout": STATEMENT_TIMEOUT} if measured else {})
    limits |= {"max_parallel_workers_per_gather": "0"} if watch.traffic.busy else {}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL " + "; SET LOCAL ".join(f"{name} = '{limit}'" for name, limit in limits.items()))
    if measured:
        watch.begin_batch()


def note(
    run: Run,
    watch: Watch,
    *,
    rows: int,
    counts: Mapping[str, int],
    label: str = "",
    digest: str = "",
    leaves: Sequence[Leaf] | None = None,
    **progress: Any,
) -> None:
    """Add one batch: `rows` of the rule's own target ended, `counts` everything by label; `progress` as given. `leaves`
    in place of `label` and `digest` where it ended several things, of which each is to be shown by itself.

    UnknownCount when a number is none: a loop that counts with it would never end, or end at once. PlanDrift when
    more rows went than may go by the run's plan: nothing of this batch is committed then.
    """
    if not all(isinstance(number, int) and number >= 0 for number in (rows, *counts.values())):
        raise UnknownCount(_("The database did not say how many rows a batch ended; the batch was taken back."))
    spent, wal_bytes = watch.lap()
    watch.end_batch(rows)
    run.rows_total += rows
    for name, number in counts.items():
        if number:
            run.counts[name] = run.counts.get(name, 0) + number
    drift.within(run)
    # A batch that ended nothing is no evidence of anything, and makes no leaf.
    did = any(counts.values())
    _grow(run, [(label, rows, digest)] * did if leaves is None else [leaf for leaf in leaves if leaf[1]])
    run.progress |= progress | {"batch": watch.pace.rows} | watch.traffic.told()
    run.busy += spent
    run.wal_bytes += wal_bytes
    run.save(update_fields=NOTED)
    watch.told(run)


def _grow(run: Run, leaves: Sequence[Leaf]) -> None:
    """Put what a batch ended into the run's tree."""
    tree = run.progress.get("tree", [])
    first = sum(size for size, _node in tree) + 1
    made = []
    for number, (label, rows, digest) in enumerate(leaves, first):
        tree = merkle.grown(tree, digests.leaf(label, rows, digest))
        made.append(Batch(run=run, number=number, label=label, rows=rows, digest=digest))
    Batch.objects.bulk_create(made)
    run.digest = merkle.root(tree)
    run.progress |= {"tree": tree}
