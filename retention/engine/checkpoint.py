"""Writing down what a batch did, in the batch's own transaction."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from retention.engine import digests
from retention.engine.watch import Watch
from retention.errors import RuleChanged
from retention.models import Rule, Run

# A purge waits this long for a lock before it gives way and comes back later: whoever it blocks meanwhile are people.
LOCK_TIMEOUT = "3s"
NOTED = ("rows_total", "counts", "digest", "progress", "busy", "wal_bytes")


def begin(run: Run) -> None:
    """First thing in a batch's transaction. RuleChanged when the rule was replaced since the last one."""
    if not Rule.objects.active().filter(pk=run.rule_id).exists():
        raise RuleChanged("The rule is no longer in force.")
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def note(
    run: Run, watch: Watch, *, label: str, rows: int, digest: str, counts: Mapping[str, int], **progress: Any
) -> None:
    """Add one batch: `rows` of the rule's own target ended, `counts` everything by label; `progress` as given."""
    spent, wal_bytes = watch.lap()
    run.rows_total += rows
    for name, number in counts.items():
        if number:
            run.counts[name] = run.counts.get(name, 0) + number
    run.digest = digests.chained(run.digest, label, digest)
    run.progress |= progress
    run.busy += spent
    run.wal_bytes += wal_bytes
    run.save(update_fields=NOTED)
