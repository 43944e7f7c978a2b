"""Step: queue the answer and close the request. Whether the mail arrives never changes the request's state."""

from typing import Any

from crasme.kit.statements import Fetch
from crasme.staff.actors import system
from privacy.correspondence.queue import enqueue
from privacy.models import Correction, Message, Request, Step
from privacy.services import referrals, representatives
from privacy.services.closing import closed
from privacy.services.plans import current
from privacy.states import Outcome
from privacy.steps.definitions import harmless, proposed
from privacy.steps.handlers import Done, Job, handles

_OWN_WORDS = Fetch(lambda: Message.objects.filter(template="answered").only("pk"), "request", "period_key")


@handles(Step.Kind.ANSWER)
def answer(job: Job) -> Done:
    def effect(request: Request) -> dict[str, Any]:
        template = letter_for(request)
        # An agent's own words were queued by the agent, under the same occasion.
        enqueue(request, template, period_key=occasion(request), now=job.now)
        representatives.release(request, now=job.now)
        request.close(now=job.now)
        closed(request, actor=system("worker"), now=job.now)
        representatives.tell_standing(request, occasion=f"closed-{request.round}", now=job.now)
        return {"template": template}

    return Done({}, effect)


# The answer of each kind that has one of its own; an erasure's depends on what was found.
LETTERS: dict[str, str] = {
    Request.Kind.ACCESS: "package-ready",
    Request.Kind.CHILD: "child-told",
    Request.Kind.PORTABILITY: "portable",
    Request.Kind.OPT_OUT: "opted-out",
    Request.Kind.RESTRICTION: "restricted",
    Request.Kind.WITHDRAWAL: "consent-withdrawn",
}


def letter_for(request: Request) -> str:
    """The template of the answer."""
    if not request.discloses:
        return "child-answered"
    if referrals.was_the_answer(request):
        return referrals.LETTER
    if proposed(request.kind) and _decided_by_value(request):
        return "corrected"
    if request.outcome == Outcome.REFUSED:
        return "refused"
    if _OWN_WORDS(request.pk, occasion(request)):
        return "answered"
    if request.kind == Request.Kind.OBJECTION:
        return "opted-out" if harmless(request.kind, request.facts) else "objection-granted"
    if request.kind in LETTERS:
        return LETTERS[request.kind]
    plan = current(request)
    return "erased" if plan is not None and plan.found_something else "nothing-found"


def occasion(request: Request) -> str:
    """One answer a round; an agent's own words are queued under the same one."""
    return f"round-{request.round}"


def _decided_by_value(request: Request) -> bool:
    """Whether each proposed value got its decision. A refusal of the request as a whole is another letter."""
    decided = request.corrections.filter(round=request.round)
    accepted = decided.filter(decision=Correction.Decision.ACCEPTED)
    return decided.exists() and not (request.outcome == Outcome.REFUSED and accepted.exists())
