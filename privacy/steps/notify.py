"""Step: tell every recipient of the data what was done (GDPR Art. 19).

What could go wrong: recipients learn of somebody about whom nothing was held. So they are told only of what was really
done: an erasure that erased something, a correction that was written, a restriction of an account that is there.
"""

from typing import Any

from privacy.models import Request, Step
from privacy.services import plans, recipients
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.NOTIFY)
def notify(job: Job) -> Done:
    def effect(request: Request) -> dict[str, Any]:
        return recipients.tell(request, now=job.now) if _done_something(request) else {"told": 0, "not_told": 0}

    return Done({}, effect)


def _done_something(request: Request) -> bool:
    if request.kind in (Request.Kind.DELETION, Request.Kind.CHILD):
        plan = plans.current(request)
        return plan is not None and plan.found_something
    if request.kind == Request.Kind.CORRECTION:
        return bool(request.corrections.filter(round=request.round).exclude(applied_at=None).exists())
    return request.account_id is not None
