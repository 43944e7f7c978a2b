"""Step: make the copy. The file is written first; its row, and with it the download, comes with the step's end.

What could go wrong: writing takes minutes, and in between the account leaves the mailbox, or the person is erased.
Then nothing refers to the file, the sweep removes it, and what is left is looked at again.
"""

from typing import Any

from django.utils.translation import gettext as _

from privacy.errors import PlanOutdated
from privacy.models import Plan, Request, Step
from privacy.packages.build import Built, build
from privacy.services import packages, plans, restriction, subjects
from privacy.services.people import erasures_of
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.PACKAGE)
def package(job: Job) -> Done:
    restriction.refuse_others(job.request)
    plan = plans.approved(job.request)
    erased = erasures_of(job.request.person)
    built = _built(job, plan)

    def effect(request: Request) -> dict[str, Any]:
        _require_theirs(request, lock=True)
        if erasures_of(request.person) != erased:
            raise PlanOutdated(_("The person was erased while the copy was being made."))
        made = packages.register(request, built, now=job.now)
        plans.executed(plan, now=job.now)
        return {"package": str(made.pk)}

    return Done(_result(built), effect)


@handles(Step.Kind.PACKAGE, kind=Request.Kind.CHILD)
def package_for_parent(job: Job) -> Done:
    """Only for a parent who asked for it and was accepted, before the data goes; nothing for anybody else."""
    plan = plans.approved(job.request)
    if not (job.request.discloses and job.request.facts.get("copy")):
        return Done({"rows": 0})
    built = _built(job, plan)

    def effect(request: Request) -> dict[str, Any]:
        _require_theirs(request, lock=True)
        if not request.discloses:
            raise PlanOutdated(_("Whoever asked is not taken for the parent any more."))
        return {"package": str(packages.register(request, built, now=job.now).pk)}

    return Done(_result(built), effect)


def _built(job: Job, plan: Plan) -> Built:
    _require_theirs(job.request)
    contacts = plan.content.get("contacts", 0)
    return build(job.request, subjects.about(job.request).whole, contacts=contacts, now=job.now)


def _result(built: Built) -> dict[str, Any]:
    return {"rows": sum(built.rows.values()), "tables": len(built.rows), "size": built.size}


def _require_theirs(request: Request, *, lock: bool = False) -> None:
    about = subjects.about(request)
    if lock:
        about.lock()
    if not about.still_theirs:
        raise PlanOutdated(_("The account that was found has another address now."))
