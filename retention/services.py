"""What other rooms, tasks, commands and the admin ask of retention."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.kit import calendar
from crasme.ledger.services import record
from retention import changing, gate, predicate
from retention.copies import Copies, Found
from retention.engine import limits, partitions, runs
from retention.engine.watch import Reached, Watch, silent
from retention.errors import NotAProcessorsCopy, NotInSchedule, RunNotWaiting, SameHands
from retention.explanation import Verdict, explain, explain_all, explain_keys, explain_table
from retention.models import BackupSet, Rule, Run
from retention.outside import writing
from retention.verbs import APPROVED, BACKUP_GONE

__all__ = [
    "PlanLine",
    "Verdict",
    "approve",
    "explain",
    "explain_all",
    "explain_keys",
    "explain_table",
    "plan",
    "register_backup",
    "run_due",
    "run_rule",
    "seen_gone",
    "unregistered_backups",
]

TICK = "system:retention"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What one rule would do: `rows` end, `deferred` are over but kept; `over_limit` means that it would wait."""

    rule: str
    target: str
    action: str
    period: str
    policy_section: str
    cutoff: datetime
    rows: int
    deferred: int
    over_limit: bool


def run_due(
    now: datetime, *, actor: str = TICK, budget: timedelta | None = None, reached: Reached = silent
) -> list[Run]:
    """Carry out every rule that has something to do on this UTC day; the runs that were begun or went on.

    Idempotent: a second call on the same day does nothing, two at once do each rule once. `budget` is the time for all
    of it; what is left over goes on with the next call. A rule that fails stops alone, with its run saying so.
    """
    gate.require_open()
    writing.settle()
    watch = Watch(now, budget, reached)
    changing.take_effect(now)
    runs.cancel_orphans(now)
    touched = []
    for rule in Rule.objects.in_force(now).acting().with_work(runs.period_key(now)):
        if watch.is_over():
            break
        if (run := runs.carry_out(rule, watch, actor=actor)) is not None:
            touched.append(run)
    return touched


def run_rule(rule: Rule, *, now: datetime, actor: str, reached: Reached = silent) -> Run | None:
    """Carry out one rule's run of this UTC day; None when it is over already, or another worker is at it."""
    if rule.state != Rule.State.ACTIVE or rule.action == Rule.Action.KEEP:
        raise NotInSchedule(_("Only an active rule that ends something can be run."))
    return runs.carry_out(rule, Watch(now, reached=reached), actor=actor)


def approve(run: Run, *, actor: str, now: datetime) -> Run:
    """A second person lets a run go on that is over its limits; it does so with the next tick.

    RunNotWaiting when it does not wait, SameHands when `actor` is who asked for it.
    """
    with transaction.atomic():
        locked = Run.objects.select_for_update().select_related("rule").get(pk=run.pk)
        if locked.state != Run.State.WAITING:
            raise RunNotWaiting(_("This run does not wait for an approval."))
        if locked.requested_by == actor:
            raise SameHands(_("Whoever asked for a run cannot approve it."))
        locked.state, locked.approved_by, locked.approved_at = Run.State.RUNNING, actor, now
        locked.save(update_fields=["state", "approved_by", "approved_at"])
        record(
            APPROVED.name,
            actor=actor,
            run=locked.pk,
            rule=locked.rule.slug,
            rows=locked.rows_due,
            share=locked.share_due,
        )
    return locked


def plan(now: datetime) -> list[PlanLine]:
    """What the active rules would end at `now`, which may lie in the future. Reads only; counts exactly."""
    return [_planned(rule, now) for rule in Rule.objects.active().acting()]


def register_backup(*, name: str, kind: str, location: str, made_at: datetime, size: int = 0) -> BackupSet:
    """Enter a copy in the register; it expires by the rule `backups`. UnsafeLocation when it lies elsewhere."""
    rule = Rule.objects.active().filter(slug="backups").first()
    if rule is None:
        raise NotInSchedule(_("There is no active rule for backups."))
    if kind != BackupSet.Kind.PROCESSOR:
        Copies().path_of(location)
    backup = BackupSet(
        name=name,
        kind=kind,
        location=location,
        made_at=made_at,
        size=size,
        expires_at=calendar.add(made_at, rule.length),
    )
    backup.full_clean()
    backup.save(force_insert=True)
    return backup


def seen_gone(backup: BackupSet, *, actor: str, now: datetime) -> BackupSet:
    """A processor has shown that its copy is gone; NotAProcessorsCopy for any other. Twice changes nothing."""
    with transaction.atomic():
        locked = BackupSet.objects.select_for_update().get(pk=backup.pk)
        if locked.kind != BackupSet.Kind.PROCESSOR:
            raise NotAProcessorsCopy(_("Only a processor's copy is confirmed by a person; others are deleted."))
        if locked.verified_gone_at is None:
            locked.deleted_at = locked.verified_gone_at = now
            locked.save(update_fields=["deleted_at", "verified_gone_at"])
            record(BACKUP_GONE.name, actor=actor, backup=locked.pk)
    return locked


def unregistered_backups() -> list[Found]:
    """What lies in the backup place and stands in no row: nobody would ever delete it. After a restore these are the
    copies that were registered since. BackupFolderMissing when the place is not there."""
    ours = BackupSet.objects.present().exclude(kind=BackupSet.Kind.PROCESSOR)
    return Copies().unknown(ours.values_list("location", flat=True))


def _planned(rule: Rule, now: datetime) -> PlanLine:
    cutoff = rule.cutoff(now)
    rows = deferred = 0
    for releasable, kept in _countable(rule, cutoff):
        rows += releasable.count()
        deferred += kept.count()
    return PlanLine(
        rule=rule.slug,
        target=rule.target,
        action=rule.action,
        period=rule.period,
        policy_section=rule.policy_section,
        cutoff=cutoff,
        rows=rows,
        deferred=deferred,
        over_limit=limits.exceeded(rule, *limits.measure(rule, cutoff)),
    )


def _countable(rule: Rule, cutoff: datetime) -> Iterator[tuple[Any, Any]]:
    yield predicate.releasable(rule, cutoff), predicate.deferred(rule, cutoff)
    if rule.action == Rule.Action.DROP_PARTITIONS:
        shelf = partitions.shelf(rule)
        yield predicate.releasable(rule, cutoff, model=shelf), predicate.deferred(rule, cutoff, model=shelf)
