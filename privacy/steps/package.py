"""Step: make the copy. The file is written first; its row, and with it the download, comes with the step's end."""

from typing import Any

from privacy.models import Request, Step
from privacy.packages.build import build
from privacy.services import packages, plans
from privacy.services.people import subject_of
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.PACKAGE)
def package(job: Job) -> Done:
    plan = plans.approved(job.request)
    built = build(job.request, subject_of(job.request.person), contacts=plan.content.get("contacts", 0), now=job.now)

    def effect(request: Request) -> dict[str, Any]:
        made = packages.register(request, built, now=job.now)
        plans.executed(plan, now=job.now)
        return {"package": str(made.pk)}

    return Done({"rows": sum(built.rows.values()), "tables": len(built.rows), "size": built.size}, effect)
