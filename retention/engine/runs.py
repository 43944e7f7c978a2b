"""The life of a run: begun once a rule and UTC day, measured, carried out, seen to be drained, recorded.

What could go wrong: two workers on one rule (an advisory lock, and two unique constraints behind it), a rule changed
while its run is open (the run is cancelled, never finished by the old period), a run that deletes nothing and calls
itself done (it is only done when the condition finds no row any more), one that fails for ever (it comes back ever less
often, and is seen).
"""

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction

from crasme.kit import calendar
from crasme.kit.claims import pause_after
from crasme.ledger.services import record
from retention import fields, locks, predicate
from retention.engine import accounts, anonymous, checkpoint, drift, files, partitions, plans, rows, tidy
from retention.engine.pace import Pace
from retention.engine.plans import PlanLine
from retention.engine.traffic import RESTED
from retention.engine.watch import Watch
from retention.errors import PlanDrift, RuleBroken, RuleChanged, code_of
from retention.models import Rule, Run
from retention.verbs import PURGED

logger = logging.getLogger(__name__)

NOT_DRAINED = "not-drained"
TRY_AGAIN = timedelta(hours=1)
CLOSED = ("state", "finished_at", "retry_at", "last_error")

ACTIONS: dict[str, Callable[[Run, Watch], bool]] = {
    Rule.Action.DELETE: rows.end,
    Rule.Action.ERASE_ACCOUNT: accounts.end,
    Rule.Action.DROP_PARTITIONS: partitions.end,
    Rule.Action.DELETE_FILES: files.end,
    Rule.Action.BLANK: rows.end,
    Rule.Action.UNLINK: rows.end,
    Rule.Action.ANONYMISE: anonymous.end,
}


def carry_out(rule: Rule, watch: Watch, *, actor: str) -> Run | None:
    """Begin or go on with the rule's run of this UTC day.

    None when another worker is at it, or the day's run is over. The run may come back waiting for approval, stopped
    (see `last_error`), or running when the watch's budget was used up.
    """
    with locks.only_one(lock_of(rule)) as mine:
        if not mine:
            return None
        watch.lap()  # what was before this rule is not its cost
        run, is_new = _open_run(rule, watch, actor)
        if run is None or run.state == Run.State.WAITING:
            return run
        if run.retry_at is not None and run.retry_at > watch.now:
            return run
        return _go_on(run, watch, as_planned=is_new)


def cancel_orphans(now: datetime) -> int:
    """End the open runs of rules that are no longer active: their successors run by their own periods."""
    cancelled = 0
    for run in Run.objects.open().exclude(rule__state=Rule.State.ACTIVE).select_related("rule"):
        with locks.only_one(lock_of(run.rule)) as mine:
            if mine:
                _cancel(run, now)
                cancelled += 1
    return cancelled


def lock_of(rule: Rule) -> str:
    """The name of the lock under which a rule is worked on."""
    return f"retention rule {rule.slug}"


def period_key(now: datetime) -> str:
    """The UTC day, "2026-11-22"."""
    return now.astimezone(UTC).date().isoformat()


def _open_run(rule: Rule, watch: Watch, actor: str) -> tuple[Run | None, bool]:
    """The rule's open run, or a new one for today, and whether it is new and can go on; None when today's is over."""
    run = Run.objects.open().filter(rule=rule).select_related("rule", "plan").first()
    if run is not None:
        return run, False
    key = period_key(watch.now)
    if Run.objects.filter(rule=rule, period_key=key).exists():
        return None, False
    run = Run(rule=rule, period_key=key, started_at=watch.now, requested_by=actor, busy=timedelta(0))
    line, broken = _measured(run)
    try:
        with transaction.atomic():
            if line is not None:
                run.plan = plans.signed([line], at=watch.now, now=watch.now, actor=actor)
            watch.reached("run.planned")
            run.save(force_insert=True)
    except IntegrityError:
        return None, False  # another beat was first, over a connection that does not share our locks
    watch.reached("run.begun")
    return (run, True) if broken is None else (_failed(run, watch, broken), False)


def _measured(run: Run) -> tuple[PlanLine | None, RuleBroken | None]:
    """Give a new run its cut-off, and measure what it has before it; or why nobody can. A run of a broken rule is there
    all the same, stops and says why, and is planned once the rule can work."""
    rule, now = run.rule, run.started_at
    try:
        fields.require(rule)
    except RuleBroken as error:
        # The day's first instant fits both kinds of dates, of which nobody knows which it is.
        run.cutoff = calendar.start_of(calendar.cutoff(now.astimezone(UTC).date(), rule.length))
        return None, error
    run.cutoff = rule.cutoff(now)
    line = plans.of_run(rule, run.cutoff)
    run.state = Run.State.WAITING if line.over_limit else Run.State.RUNNING
    run.needs_approval, run.rows_due, run.share_due = line.over_limit, line.rows, line.share
    return line, None


def _go_on(run: Run, watch: Watch, *, as_planned: bool) -> Run:
    """`as_planned` when the plan was drawn a moment ago; otherwise it is counted anew before anything is touched."""
    watch.pace = Pace.of(run.rule.batch_size, run.progress.get("batch"))
    watch.traffic.rested = run.progress.get(RESTED, 0.0)
    if run.state == Run.State.STOPPED:
        run.state, run.retry_at = Run.State.RUNNING, None
        run.save(update_fields=["state", "retry_at"])
    try:
        fields.require(run.rule)
        if not as_planned and not drift.look_again(run):
            run.state, run.needs_approval = Run.State.WAITING, True
            run.save(update_fields=["state", "needs_approval"])
            return run
        drained = _drain(run, watch)
    except RuleChanged:
        return _cancel(run, watch.instant())
    except PlanDrift:
        run.refresh_from_db()  # the counts in memory are of a batch that was rolled back
        goes_on = drift.park(run, now=watch.instant())
        logger.warning("The retention run %s of %s met more rows than planned.", run.pk, run.rule.slug)
        return _go_on(run, watch, as_planned=True) if goes_on else run
    except Exception as error:  # noqa: BLE001  (whatever it is, the run must say so, and other rules go on)
        return _failed(run, watch, error)
    if drained is None:
        return run
    if not drained:
        return _stop(run, watch, NOT_DRAINED, TRY_AGAIN)
    watch.reached("run.drained")
    _count_what_stayed(run)
    spent, wal_bytes = watch.lap()
    run.busy += spent
    run.wal_bytes += wal_bytes
    return _close(run, Run.State.DONE, watch.instant())


def _count_what_stayed(run: Run) -> None:
    """Where fewer rows went than were planned, something came to keep them since, or they went otherwise: the plan does
    not say any more how many stay."""
    if (run.planned or {}).get("exact", False) and run.rows_total < run.rows_due:
        run.progress |= {checkpoint.STAYS: plans.deferred(run.rule, run.cutoff).rows}


def _drain(run: Run, watch: Watch) -> bool | None:
    """Whether nothing is left to end; None when time ran out. Rows may become free meanwhile, so it looks again, for
    as long as that makes progress."""
    while _remains(run):
        before = run.rows_total, dict(run.counts)
        from_the_middle = checkpoint.AT in run.progress
        if not ACTIONS[run.rule.action](run, watch):
            return None
        if before == (run.rows_total, run.counts) and not from_the_middle:
            return not _remains(run)  # what was left may have been kept, or gone otherwise, meanwhile
    return True


def _remains(run: Run) -> bool:
    rule = run.rule
    drops = rule.action == Rule.Action.DROP_PARTITIONS
    if drops and partitions.over(run):
        return True
    if anonymous.remains(run) or predicate.releasable(rule, run.cutoff).exists():
        return True
    if drops:
        return predicate.releasable(rule, run.cutoff, model=partitions.shelf(rule)).exists()
    return rule.action == Rule.Action.ERASE_ACCOUNT and accounts.leftovers_remain(run)


def _failed(run: Run, watch: Watch, error: Exception) -> Run:
    code = code_of(error)
    if isinstance(error, RuleBroken):
        logger.error("The retention run %s stopped: %s", run.pk, error)  # names of columns, nothing of a row
    else:
        # Where, not what: a database's message quotes the row it complains about.
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.error("The retention run %s of %s stopped: %s\n%s", run.pk, run.rule.slug, code, where)
    return _stop(run, watch, code, pause_after(run.attempts + 1))


def _stop(run: Run, watch: Watch, code: str, pause: timedelta) -> Run:
    # The counts in memory may be of a batch that was rolled back.
    run.refresh_from_db()
    run.state, run.last_error = Run.State.STOPPED, code
    run.attempts += 1
    run.progress.pop(checkpoint.AT, None)  # whatever stopped it may lie behind the place where it stood
    run.retry_at = watch.instant() + pause
    run.save(update_fields=["state", "last_error", "attempts", "retry_at", "progress"])
    return run


def _cancel(run: Run, now: datetime) -> Run:
    run.refresh_from_db()
    run.last_error = RuleChanged.code
    return _close(run, Run.State.CANCELLED, now)


def _close(run: Run, state: Run.State, now: datetime) -> Run:
    with transaction.atomic():
        run.state, run.finished_at, run.retry_at = state, now, None
        if state == Run.State.DONE:
            run.last_error = ""
        run.progress |= tidy.wanted(run)
        entry = record(
            PURGED.name,
            actor=run.requested_by,
            run=run.pk,
            rule=run.rule.slug,
            state=run.state,
            period=run.rule.period,
            cutoff=run.cutoff,
            rows=run.rows_total,
            counts=run.counts,
            digest=run.digest,
            wal_bytes=run.wal_bytes,
            seconds=round(run.busy.total_seconds(), 3),
            approved_by=run.approved_by,
            plan=run.plan.hash if run.plan else "",
            planned=run.rows_due,
        )
        run.entry = entry.pk
        run.save(update_fields=[*CLOSED, "busy", "wal_bytes", "progress", "entry"])
    return run
