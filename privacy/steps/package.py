"""Step: make the copy. The file is written first; its row, and with it the download, comes with the step's end."""

from typing import Any

from django.utils.translation import gettext as _

from privacy.errors import PlanOutdated
from privacy.models import Request, Step
from privacy.packages.build import build
from privacy.services import packages, plans
from privacy.services.people import still_theirs, subject_of
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.PACKAGE)
def package(job: Job) -> Done:
    plan = plans.approved(job.request)
    _require_theirs(job.request)
    built = build(job.request, subject_of(job.request.person), contacts=plan.content.get("contacts", 0), now=job.now)

    def effect(request: Request) -> dict[str, Any]:
        _require_theirs(request)  # what was written is dropped then; the sweep removes the file
        made = packages.register(request, built, now=job.now)
        plans.executed(plan, now=job.now)
        return {"package": str(made.pk)}

    return Done({"rows": sum(built.rows.values()), "tables": len(built.rows), "size": built.size}, effect)


def _require_theirs(request: Request) -> None:
    if not still_theirs(request.person):
        raise PlanOutdated(_("The account that was found has another address now."))
