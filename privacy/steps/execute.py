"""Step: carry out the approved erasure, all of it or nothing, together with the end of the step.

What could go wrong: a worker dies in the middle (one transaction: nothing has happened), the message is delivered
twice (the step is over), the data is no longer what was approved (the hash differs: a new plan, a new approval), or a
legal hold keeps the account and nobody comes back for it (it is closed, so the schedule ends it after the hold).
"""

from typing import Any

from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.crm.services import accounts
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.errors import PlanOutdated
from privacy.models import Request, Step
from privacy.services import packages, plans
from privacy.services.people import erasable, lock, still_theirs
from privacy.steps.handlers import Done, Job, handles
from retention import erasure
from retention.errors import PlanChanged


@handles(Step.Kind.EXECUTE, kind=Request.Kind.DELETION)
def execute(job: Job) -> Done:
    plan = plans.approved(job.request)

    def effect(request: Request) -> dict[str, Any]:
        person = request.person
        lock(person)  # a copy that is about to be registered must be seen below, or see this
        if not still_theirs(person):
            raise PlanOutdated(_("The account that was found has another address now."))
        packages.destroy_of(person, why="erasure", now=job.now)
        try:
            outcome = erasure.erase(erasable(person), plan_hash=plan.hash, actor=system("worker"), now=job.now)
        except PlanChanged:
            raise PlanOutdated(_("The data changed after the plan was approved.")) from None
        if person.account is not None:
            person.account.refresh_from_db()
            if person.account.status == Account.Status.ACTIVE:
                accounts.close(person.account, actor=system("worker"), now=job.now)
        plans.executed(plan, now=job.now)
        # The address is still needed for the answer; the sweep empties it once that has been sent.
        person.forget_from = job.now
        person.save(update_fields=["forget_from"])
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
