"""After a run: VACUUM (ANALYZE) what it touched, so that the space is used again and the planner knows.

What could go wrong: a vacuum that waits for, or works on, a table for hours (it has a lock and a statement time-out, on
a connection of its own), one that fails and takes the run with it (the run is over and stays so; the failure is noted),
a worker killed before it came to that (the run says that it is wanted until it was done), or a table of two hundred
partitions vacuumed for one of them (only the one that the cut-off cuts is).
"""

import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.db import DatabaseError, connection
from django.db.models import Model

from crasme.kit import partitions
from retention import locks
from retention.engine.watch import Watch
from retention.models import Run

WANTED: Final = "vacuum_wanted"  # in `progress`: the tables
DONE: Final = "vacuum"
FEW: Final = 1_000  # fewer rows of a table are left to the server's own vacuum
LOCK_TIMEOUT: Final = "2s"
STATEMENT_TIMEOUT: Final = "120s"
COST_DELAY: Final = "2ms"  # the pace of the server's own vacuum, while others are at work
RECENT: Final = timedelta(days=2)


def wanted(run: Run) -> dict[str, Any]:
    """What a run that is over adds to its progress: the labels whose tables it left many dead rows in."""
    known = {model._meta.label_lower for model in apps.get_models()}
    labels = sorted(label for label, rows in run.counts.items() if label in known and rows >= FEW)
    return {WANTED: labels} if labels else {}


def after(watch: Watch) -> list[Run]:
    """Vacuum for every run that wants it, until the watch's budget is used up; the runs that were served."""
    served = []
    recent = Run.objects.filter(progress__has_key=WANTED, started_at__gt=watch.now - RECENT)
    for run in recent.select_related("rule").order_by("started_at"):
        if watch.is_over():
            break
        with locks.only_one(f"retention vacuum {run.pk}") as mine:
            if mine:
                watch.reached("vacuum.begun")
                _serve(run, gently=watch.traffic.look())
                watch.reached("vacuum.done")
                served.append(run)
    return served


def _serve(run: Run, *, gently: bool) -> None:
    begun, failed, done = time.monotonic(), [], []
    labels = run.progress.pop(WANTED)
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'; SET statement_timeout = '{STATEMENT_TIMEOUT}'")
            if gently:
                cursor.execute(f"SET vacuum_cost_delay = '{COST_DELAY}'")
            for table in (table for label in labels for table in _tables(apps.get_model(label), run.cutoff)):
                try:
                    cursor.execute(f"VACUUM (ANALYZE) {own.ops.quote_name(table)}")
                    done.append(table)
                except DatabaseError:
                    failed.append(table)
    except DatabaseError:
        failed = [*labels]
    finally:
        _reset(own)
    run.progress[DONE] = {"tables": done, "failed": failed, "seconds": round(time.monotonic() - begun, 3)}
    run.save(update_fields=["progress"])


def _reset(own: Any) -> None:
    """A connection of a pool goes back to it, and must not take our time-outs along."""
    try:
        with own.cursor() as cursor:
            cursor.execute("RESET lock_timeout; RESET statement_timeout; RESET vacuum_cost_delay")
    except DatabaseError:
        pass
    finally:
        own.close()


def _tables(model: type[Model], cutoff: datetime) -> list[str]:
    name = str(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_partitioned_table WHERE partrelid = to_regclass(quote_ident(%s))", [name])
        if cursor.fetchone() is None:
            return [name]
    return [each.name for each in partitions.existing(connection, name) if each.lower < cutoff < each.upper]
