"""Holding a run to its plan: no row beyond what was planned, and nothing after an approval of something else.

What could go wrong: an estimate taken for a promise (a run that passes one counts exactly and, when that is within its
rule's limits, goes on), a plan changed in the database after it was approved (its hash and signature are looked at), or
a run that goes round and round (it waits for a person then, and says by how much it is off).
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.ledger.services import record
from retention.engine import plans
from retention.errors import PlanAltered, PlanDrift, RuleBroken
from retention.models import Run
from retention.models.runs import TICK
from retention.verbs import DRIFTED


def within(run: Run) -> None:
    """In a batch's transaction, after its rows were added: PlanDrift when they are more than may end by the plan."""
    line = run.planned
    if line is not None and run.rows_total > line["rows"] + line["tolerance"]:
        raise PlanDrift(_("More rows are over than were planned."))


def look_again(run: Run) -> bool:
    """Before a run is taken up again: whether it may go on as planned; False when it still needs an approval.

    PlanDrift when more is over now than was planned, PlanAltered when the plan is not what was drawn.
    """
    if run.plan is None and run.last_error == RuleBroken.code:
        # Nobody could plan it when it was begun; now somebody can.
        if plan_anew(run, now=run.started_at, actor=run.requested_by):
            run.save()
            return False
        run.save()
    line = run.planned
    if line is None or run.plan is None:
        return True  # begun before there were plans
    if not plans.is_ours(run.plan):
        raise PlanAltered(_("The plan of this run is not what was drawn and signed."))
    if line["reasons"] and run.approved_hash != run.plan.hash:
        return False
    now = plans.of_run(run.rule, run.cutoff, exact=line["exact"], ended=run.rows_total, kept=False)
    if now.rows > line["rows"] + line["tolerance"]:
        raise PlanDrift(_("More rows are over than were planned."))
    return True


def plan_anew(run: Run, *, now: datetime, actor: str) -> bool:
    """Count exactly by the run's own cut-off and put that plan in the old one's place, with no approval; whether it is
    more than the rule may do without approval. Nobody has approved it: who approved the old plan did not approve this
    one, and `actor`, who had it drawn, has not either. In the caller's transaction; the caller saves the run."""
    moved = run.counts.get("carried", 0)
    line = plans.of_run(run.rule, run.cutoff, exact=True, ended=run.rows_total, moved=moved)
    run.plan = plans.signed([line], at=run.started_at, now=now, actor=actor)
    run.rows_due, run.share_due = line.rows, line.share
    run.requested_by = TICK
    run.approved_by, run.approved_at, run.approved_hash = "", None, ""
    return line.over_limit


def park(run: Run, *, now: datetime) -> bool:
    """The run ended, or would end, more than was planned: plan anew. Whether it may go on at once, because only an
    estimate was off; otherwise it waits for a person."""
    with transaction.atomic():
        before = run.planned or {"rows": run.rows_due, "tolerance": 0, "exact": True}
        over_limit = plan_anew(run, now=now, actor=TICK)
        run.progress |= {"drift": {"planned": before["rows"], "tolerance": before["tolerance"], "found": run.rows_due}}
        run.needs_approval = over_limit or before["exact"]
        run.state = Run.State.WAITING if run.needs_approval else Run.State.RUNNING
        run.last_error = PlanDrift.code if run.needs_approval else ""
        run.save()
        record(
            DRIFTED.name,
            actor=run.requested_by,
            run=run.pk,
            rule=run.rule.slug,
            planned=before["rows"],
            found=run.rows_due,
            plan=run.plan.hash if run.plan else "",
            waits=run.needs_approval,
        )
    return not run.needs_approval
