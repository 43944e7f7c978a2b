"""What other rooms, tasks, commands and the admin ask of retention."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crasme.kit import calendar
from crasme.ledger.services import record
from retention import changing, gate, locks, replay
from retention.anonymity import checker
from retention.anonymity.report import Report
from retention.copies import Copies, Found
from retention.engine import drift, plans, runs, tidy
from retention.engine.plans import PlanLine
from retention.engine.watch import Reached, Told, Watch, silent, unheard
from retention.errors import NotAProcessorsCopy, NotInSchedule, PlanChanged, PlanTooFar, RunNotWaiting, SameHands
from retention.explanation import Verdict, explain, explain_all, explain_keys, explain_table, keys_of
from retention.fieldwise import FieldVerdict, explain_fields
from retention.models import BackupSet, ErasureParked, Plan, Rule, Run
from retention.models.runs import TICK
from retention.outside import soon, writing
from retention.verbs import APPROVED, APPROVED_FIRST, BACKUP_GONE, PLANNED

FORESEEABLE: Final = calendar.Period.parse("P10Y")

__all__ = [
    "FieldVerdict",
    "PlanLine",
    "Verdict",
    "anonymity",
    "approve",
    "approve_first",
    "draw_plan",
    "explain",
    "explain_all",
    "explain_fields",
    "explain_keys",
    "explain_table",
    "keys_of",
    "plan",
    "plan_anew",
    "planned_rules",
    "register_backup",
    "require_foreseeable",
    "run_due",
    "run_rule",
    "seen_gone",
    "unregistered_backups",
]


def run_due(
    now: datetime,
    *,
    actor: str = TICK,
    budget: timedelta | None = None,
    reached: Reached = silent,
    told: Told = unheard,
) -> list[Run]:
    """Carry out every rule that has something to do on this UTC day; the runs that were begun or went on.

    Idempotent: a second call on the same day does nothing, two at once do each rule once. `budget` is the time for all
    of it; what is left over goes on with the next call. A rule that fails stops alone, with its run saying so. `told`
    is called with the run after each batch. What many rows left is vacuumed at the end.
    """
    gate.require_open()
    _keep_ledger(now, actor)
    watch = Watch(now, budget, reached, told)
    changing.take_effect(now)
    runs.cancel_orphans(now)
    touched = []
    for rule in Rule.objects.in_force(now).acting().with_work(runs.period_key(now)):
        if watch.is_over():
            break
        if (run := runs.carry_out(rule, watch, actor=actor)) is not None:
            touched.append(run)
    served = {run.pk: run.progress for run in tidy.after(watch)}
    for run in touched:
        run.progress = served.get(run.pk, run.progress)
    return touched


def _keep_ledger(now: datetime, actor: str) -> None:
    """What the minute does for the erasure ledger: whose it is, what became of its entries, what waits for it."""
    writing.settle()
    writing.found(now)
    soon.drain()
    if ErasureParked.objects.filter(done_at=None).exists():
        replay.try_parked(actor=actor, now=now)


def run_rule(rule: Rule, *, now: datetime, actor: str, reached: Reached = silent) -> Run | None:
    """Carry out one rule's run of this UTC day; None when it is over already, or another worker is at it."""
    if rule.state != Rule.State.ACTIVE or rule.action == Rule.Action.KEEP:
        raise NotInSchedule(_("Only an active rule that ends something can be run."))
    return runs.carry_out(rule, Watch(now, reached=reached), actor=actor)


def approve_first(run: Run, *, plan_hash: str, actor: str, now: datetime) -> Run:
    """A first person approves a run that is over its limits, or met more than planned; it goes on waiting, for a second
    one. What `approve` raises; RunNotWaiting also when a first person has approved it already."""
    with transaction.atomic():
        locked = _waiting(run, plan_hash)
        if locked.is_approved_once:
            raise RunNotWaiting(_("A first person has approved this run already; a second one approves it next."))
        locked.requested_by = actor
        locked.save(update_fields=["requested_by"])
        record(
            APPROVED_FIRST.name, actor=actor, run=locked.pk, rule=locked.rule.slug, rows=locked.rows_due, plan=plan_hash
        )
    return locked


def approve(run: Run, *, plan_hash: str, actor: str, now: datetime) -> Run:
    """A second person lets a run go on that is over its limits, or met more than planned; with the next tick it does.

    `plan_hash` is the hash of the plan that was looked at. RunNotWaiting when the run does not wait, PlanChanged when
    it has another plan by now, SameHands when `actor` is who approved it first, or nobody has: a tick is not a person.
    """
    with transaction.atomic():
        locked = _waiting(run, plan_hash)
        if not locked.is_approved_once:
            raise SameHands(_("Nobody has approved this run yet; two people approve it, one after the other."))
        if locked.requested_by == actor:
            raise SameHands(_("You have approved this run already; another person approves it next."))
        locked.state, locked.approved_by, locked.approved_at = Run.State.RUNNING, actor, now
        locked.approved_hash, locked.last_error = plan_hash, ""
        locked.save(update_fields=["state", "approved_by", "approved_at", "approved_hash", "last_error"])
        record(
            APPROVED.name,
            actor=actor,
            run=locked.pk,
            rule=locked.rule.slug,
            rows=locked.rows_due,
            share=locked.share_due,
            plan=plan_hash,
        )
    return locked


def plan_anew(run: Run, *, actor: str, now: datetime) -> Run:
    """Count again what a run would end that waits, or stopped; it goes on by itself when that is within its rule's
    limits by now. If not, two people approve the new plan, `actor` being one of them or not: to count is no approval.
    RunNotWaiting when it is over, or at work at this moment.
    """
    with locks.only_one(runs.lock_of(run.rule)) as mine, transaction.atomic():
        locked = _locked(run)
        if not mine or locked.state not in (Run.State.WAITING, Run.State.STOPPED):
            raise RunNotWaiting(_("This run does not wait for anybody."))
        locked.needs_approval = drift.plan_anew(locked, now=now, actor=actor)
        locked.progress.pop("drift", None)
        locked.state = Run.State.WAITING if locked.needs_approval else Run.State.RUNNING
        locked.last_error, locked.retry_at = "", None
        locked.save()
    return locked


def plan(at: datetime, *, counted: Callable[[int], None] | None = None) -> list[PlanLine]:
    """What the rules in force at `at` would end then; it may lie in the future, with published changes that wait for
    their day. Reads only; counts exactly. `counted` is told how many rules are, after each."""
    lines: list[PlanLine] = []
    for rule in planned_rules(at):
        lines += plans.foreseen([rule], at)
        if counted is not None:
            counted(len(lines))
    return lines


def planned_rules(at: datetime) -> QuerySet[Rule]:
    return Rule.objects.foreseen(at).acting()


def require_foreseeable(at: datetime, now: datetime) -> None:
    """PlanTooFar for what lies more than ten years ahead, or a day back."""
    if at > calendar.add(now, FORESEEABLE):
        raise PlanTooFar(_("A plan can be drawn for ten years ahead at most."))
    if at < now - timedelta(days=1):
        raise PlanTooFar(_("A plan can only be drawn for today or a day to come."))


def draw_plan(at: datetime, *, actor: str, now: datetime, counted: Callable[[int], None] | None = None) -> Plan:
    """The same, kept: signed, with its hash, and in the ledger. PlanTooFar beyond what can be foreseen."""
    require_foreseeable(at, now)
    lines = plan(at, counted=counted)
    with transaction.atomic():
        drawn = plans.signed(lines, at=at, now=now, actor=actor)
        record(
            PLANNED.name,
            actor=actor,
            plan=drawn.hash,
            at=at,
            rules=len(lines),
            rows=drawn.rows,
            over_limit=sum(line.over_limit for line in lines),
        )
    return drawn


def anonymity(label: str, now: datetime) -> list[tuple[Rule, Report]]:
    """What the rules that anonymise a table leave of it, drafts included, measured now. Reads only. NotInSchedule, and
    RuleBroken when one names what is no more."""
    rules = Rule.objects.filter(target__iexact=label, action=Rule.Action.ANONYMISE).exclude(state=Rule.State.RETIRED)
    found = [(rule, checker.check(rule, rule.cutoff(now), now)) for rule in rules]
    if not found:
        raise NotInSchedule(_("No rule anonymises this table."))
    return found


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


def _waiting(run: Run, plan_hash: str) -> Run:
    locked = _locked(run)
    if locked.state != Run.State.WAITING:
        raise RunNotWaiting(_("This run does not wait for an approval."))
    if (locked.plan.hash if locked.plan else "") != plan_hash:
        raise PlanChanged(_("The run has another plan by now."), plan=locked.plan)
    return locked


def _locked(run: Run) -> Run:
    return Run.objects.select_for_update(of=("self",)).select_related("rule", "plan").get(pk=run.pk)
