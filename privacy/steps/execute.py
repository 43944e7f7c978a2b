"""Step: carry out the approved erasure, all of it or nothing, together with the end of the step.

What could go wrong: a worker dies in the middle (one transaction: nothing has happened), the message is delivered
twice (the step is over), the data is no longer what was approved (the hash differs: a new plan, a new approval), the
person has asked for a copy since, for the step may have been parked for days (the copy comes first, and two people look
again), or a legal hold keeps the account and nobody comes back for it (it is closed, so the schedule ends it after the
hold).
"""

from typing import Any

from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.crm.services import accounts
from crasme.kit.statements import update
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import rows, verbs
from privacy.errors import CopyWaits, PlanOutdated
from privacy.mailroom import forgetting
from privacy.models import Request, Step
from privacy.services import copies, packages, plans, subjects
from privacy.steps.handlers import Done, Job, handles
from retention import erasure
from retention.errors import PlanChanged
from retention.outside import writing


@handles(Step.Kind.EXECUTE, kind=Request.Kind.DELETION)
@handles(Step.Kind.EXECUTE, kind=Request.Kind.CHILD)
def execute(job: Job) -> Done:
    plan = plans.approved(job.request)

    def effect(request: Request) -> dict[str, Any]:
        # What follows the erasure locks rows of others, and whoever has written to the erasure ledger waits for nobody.
        with writing.together():
            return carried_out(request)

    def carried_out(request: Request) -> dict[str, Any]:
        about = subjects.about(request)
        about.lock()  # a copy that is about to be registered must be seen below, or see this
        if not about.still_theirs:
            raise PlanOutdated(_("The account that was found has another address now."))
        try:
            copies.require_first(request, now=job.now)
        except CopyWaits as error:
            raise PlanOutdated(str(error)) from None
        if about.person is not None:
            packages.destroy_of(about.person, why="erasure", but=request, now=job.now)
        try:
            outcome = erasure.erase(about.erasable, plan_hash=plan.hash, actor=system("worker"), now=job.now)
        except PlanChanged:
            raise PlanOutdated(_("The data changed after the plan was approved.")) from None
        left = rows.account_now(about.account_id) if about.account is not None else None
        if left is not None and left.status == Account.Status.ACTIVE:
            accounts.close(left, actor=system("worker"), now=job.now)
        plans.executed(plan, now=job.now)
        # The address is still needed for the answer; the sweep empties it once that has been sent.
        if about.person is not None:
            about.person.forget_from = job.now
            update(about.person, "forget_from")
        else:
            forgetting.empty_of_address(about.address, now=job.now)
        kept = sum(line.rows for line in outcome.kept)
        record(
            verbs.ERASED.name,
            actor=system("worker"),
            subject=request.ref,
            plan=plan.pk,
            hash=plan.hash,
            rows=sum(outcome.counts.values()),
            kept=kept,
            counts=outcome.counts,
        )
        return {"rows": sum(outcome.counts.values()), "kept": kept, "counts": outcome.counts}

    return Done({}, effect)
