"""Figures of retention for monitoring; each is one cheap query."""

from collections.abc import Iterable

from django.db.models import Count
from django.utils import timezone

from crasme.kit import gauges
from retention import gate
from retention.models import BackupSet, ErasureParked, Run


@gauges.gauge("crasme_retention_open_runs", "Runs by state; alarm on stopped, and on waiting", labels=("state",))
def open_runs() -> Iterable[tuple[tuple[str, ...], float]]:
    counted = dict(Run.objects.open().order_by().values_list("state").annotate(Count("pk")))
    # A state without runs is a zero, not a gap that an alarm would take for "no data".
    return [((state,), counted.get(state, 0)) for state in (Run.State.RUNNING, Run.State.WAITING, Run.State.STOPPED)]


@gauges.gauge("crasme_retention_hours_since_run", "Hours since a rule was last carried out to the end (alarm above 26)")
def hours_since_run() -> float:
    last = (
        Run.objects.filter(state=Run.State.DONE).order_by("-started_at").values_list("finished_at", flat=True).first()
    )
    return (timezone.now() - last).total_seconds() / 3600 if last else float("inf")


@gauges.gauge("crasme_restore_gate_open", "1 while the database stands at the end of the erasure ledger (alarm on 0)")
def gate_open() -> float:
    return float(gate.look().is_open)


@gauges.gauge(
    "crasme_restore_parked", "Acts that a replay could not carry out again, answered for or not (alarm above 0)"
)
def parked() -> float:
    return ErasureParked.objects.filter(done_at=None).count()


@gauges.gauge("crasme_retention_backups_overdue", "Backup sets past their 30 days that are not seen to be gone")
def backups_overdue() -> float:
    return BackupSet.objects.overdue(timezone.now()).count()
