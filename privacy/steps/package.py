"""Step: make the copy. The file is written first; its row, and with it the download, comes with the step's end.

What could go wrong: writing takes minutes, and in between the account leaves the mailbox, or the person is erased.
Then nothing refers to the file, the sweep removes it, and what is left is looked at again.
"""

from typing import Any

from django.utils.translation import gettext as _

from privacy.errors import PlanOutdated
from privacy.models import Request, Step
from privacy.packages.build import build
from privacy.services import packages, plans, restriction
from privacy.services.people import erasures_of, lock, still_theirs, subject_of
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.PACKAGE)
def package(job: Job) -> Done:
    restriction.refuse_others(job.request)
    plan = plans.approved(job.request)
    erased = erasures_of(job.request.person)
    _require_theirs(job.request)
    built = build(job.request, subject_of(job.request.person), contacts=plan.content.get("contacts", 0), now=job.now)

    def effect(request: Request) -> dict[str, Any]:
        lock(request.person)
        _require_theirs(request)
        if erasures_of(request.person) != erased:
            raise PlanOutdated(_("The person was erased while the copy was being made."))
        made = packages.register(request, built, now=job.now)
        plans.executed(plan, now=job.now)
        return {"package": str(made.pk)}

    return Done({"rows": sum(built.rows.values()), "tables": len(built.rows), "size": built.size}, effect)


def _require_theirs(request: Request) -> None:
    if not still_theirs(request.person):
        raise PlanOutdated(_("The account that was found has another address now."))
