"""Step: queue the answer and close the request. Whether the mail arrives never changes the request's state."""

from typing import Any

from crasme.kit.claims import WorkState
from crasme.staff.actors import system
from privacy.correspondence.queue import enqueue
from privacy.models import Request, Step
from privacy.services.closing import closed
from privacy.services.plans import current
from privacy.states import Outcome
from privacy.steps.handlers import Done, Job, handles


@handles(Step.Kind.ANSWER)
def answer(job: Job) -> Done:
    def effect(request: Request) -> dict[str, Any]:
        template = letter_for(request)
        # An agent's own words were queued by the agent, under the same occasion.
        enqueue(request, template, period_key=f"round-{request.round}", now=job.now)
        request.close(now=job.now)
        closed(request, actor=system("worker"), now=job.now)
        return {"template": template}

    return Done({}, effect)


# The answer of each kind that has one of its own; an erasure's depends on what was found.
LETTERS: dict[str, str] = {
    Request.Kind.ACCESS: "package-ready",
    Request.Kind.OPT_OUT: "opted-out",
    Request.Kind.OBJECTION: "opted-out",
    Request.Kind.WITHDRAWAL: "consent-withdrawn",
}


def letter_for(request: Request) -> str:
    """The template of the answer."""
    if request.outcome == Outcome.REFUSED:
        return "refused"
    if request.steps.filter(kind=Step.Kind.WORK, round=request.round, state=WorkState.DONE).exists():
        return "answered"
    if request.kind in LETTERS:
        return LETTERS[request.kind]
    plan = current(request)
    return "erased" if plan is not None and plan.found_something else "nothing-found"
