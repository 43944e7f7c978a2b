"""Figures of retention for monitoring; each is one cheap query."""

from collections.abc import Callable, Iterable

from django.db.models import Count
from django.utils import timezone

from crasme.kit import gauges
from retention import gate, runway
from retention.models import BackupSet, ErasureParked, Run, Standing

Labelled = Iterable[tuple[tuple[str, ...], float]]


@gauges.gauge("crasme_retention_open_runs", "Runs by state; alarm on stopped, and on waiting", labels=("state",))
def open_runs() -> Labelled:
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


@gauges.gauge("crasme_retention_backups_overdue", "Backups past their 30 days that are not seen to be gone")
def backups_overdue() -> float:
    return BackupSet.objects.overdue(timezone.now()).count()


@gauges.gauge("crasme_partition_months_ahead", "Months of partitions ready (alarm below 2)", labels=("table",))
def partition_months_ahead() -> Labelled:
    return [((table,), months) for table, months in runway.ahead(timezone.now()).items()]


@gauges.gauge("crasme_retention_measured_seconds_ago", "Age of the oldest standing of a rule (alarm above 7200)")
def measured_ago() -> float:
    oldest = Standing.objects.order_by("taken_at").values_list("taken_at", flat=True).first()
    return (timezone.now() - oldest).total_seconds() if oldest else float("inf")


@gauges.gauge(
    "crasme_retention_overdue_seconds", "Age of the oldest row beyond its end (alarm above 93600)", labels=("rule",)
)
def overdue() -> Labelled:
    now = timezone.now()
    return _by_rule(lambda standing: standing.overdue(now).total_seconds())


@gauges.gauge("crasme_retention_rows_due", "Rows past their end that nothing keeps, up to 100,000", labels=("rule",))
def rows_due() -> Labelled:
    return _by_rule(lambda standing: standing.due)


@gauges.gauge("crasme_retention_rows_kept", "Rows past their end that something keeps", labels=("rule",))
def rows_kept() -> Labelled:
    return _by_rule(lambda standing: standing.kept)


@gauges.gauge("crasme_retention_intake_per_day", "Rows whose end comes, a day of the next seven", labels=("rule",))
def intake() -> Labelled:
    return _by_rule(lambda standing: standing.intake)


@gauges.gauge("crasme_retention_drain_per_day", "Rows that were ended, a day of the last seven", labels=("rule",))
def drain() -> Labelled:
    return _by_rule(lambda standing: standing.drain)


@gauges.gauge("crasme_retention_empty_in_seconds", "Time at work until nothing is due; NaN: unknown", labels=("rule",))
def empty_in() -> Labelled:
    return _by_rule(lambda each: each.empty_in.total_seconds() if each.empty_in is not None else float("nan"))


def _by_rule(figure: Callable[[Standing], float]) -> Labelled:
    return [((each.rule.slug,), figure(each)) for each in Standing.objects.select_related("rule")]
