"""What the benchmarks of retention have in common: a run to its end, and a server that has nothing left to do."""

from datetime import datetime

from django.db import connection

from retention import services
from retention.models import Rule, Run


def carried_out(rule: Rule, now: datetime) -> int:
    """The rows that the rule's run ended."""
    ended = services.run_rule(rule, now=now, actor="system:bench")
    if ended is None or ended.state != Run.State.DONE:
        raise RuntimeError("the run did not come to its end")
    return int(ended.rows_total)


def settle(*, vacuum: bool = False) -> None:
    """Let the server do now what it would else do while something is measured."""
    with connection.cursor() as cursor:
        if vacuum:
            cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
