"""From one step to the next. Every function expects the request's row locked by the caller.

What could go wrong: two workers finish the last two steps of a stage at once and the next one is made twice, or never.
The request's lock lets one of them look at a time, and a unique constraint stands behind it.
"""

from datetime import datetime

from crasme.kit import statements
from crasme.kit.claims import WorkState, cancel
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import rows, verbs
from privacy.models import Request, Step
from privacy.states import Outcome, State
from privacy.steps.definitions import ANSWER, Spec, StepKind, steps_of
from privacy.wake import STEP, wake
from privacy.webhooks import Event, emit

States = dict[str, list[str]]
_UNFINISHED = statements.Fetch(Step.objects.unfinished, "request")
# A request's state moves on when a worker takes up the first step after it.
ON_START = {State.CONFIRMED: "collect", State.APPROVED: "execute"}
# What an APPLY step leaves in its result: how it came out.
OUTCOME = "outcome"


def begin(request: Request, *, now: datetime) -> None:
    """Make the first steps of the request's current round."""
    advance(request, now=now)


def advance(request: Request, *, now: datetime) -> None:
    """Make the next steps when everything before them is done; doing it again changes nothing."""
    if (spec := following(request, states_of(request))) is not None:
        insert(request, spec, now=now)


def states_of(request: Request) -> States:
    """How far each kind of step of the current round is."""
    states: States = {}
    for step in rows.steps(request):
        states.setdefault(step.kind, []).append(step.state)
    return states


def following(request: Request, states: States) -> Spec | None:
    """What comes now; None while something before it is not done, and when there is nothing left."""
    for spec in steps_of(request.kind, request.facts):
        if spec.kind not in states:
            return spec
        if any(state != WorkState.DONE for state in states[spec.kind]):
            return None
    return None


def insert(request: Request, spec: Spec, *, now: datetime) -> None:
    """Make a stage's steps. When it is a person's turn, it waits for review; when all is done, it is decided."""
    prepare(request, spec, now=now)
    steps = made(request, spec, now=now)
    for step in steps:
        statements.insert(step, unless_there=True)
    if spec.manual:
        if request.state == State.COLLECTING:
            request.present()
            statements.update(request, "state")
        return
    for step in steps:
        wake(STEP, spec.queue, step.pk, for_later=spec.together)


def prepare(request: Request, spec: Spec, *, now: datetime) -> None:
    """What is so before a stage's steps are there."""
    if spec.kind == StepKind.APPLY:
        _proceed(request)
    if spec.kind == StepKind.ANSWER and request.state == State.EXECUTING:
        _decide(request)
    if spec.kind == StepKind.ANSWER:
        emit(Event.DECIDED, request, now=now)


def made(request: Request, spec: Spec, *, now: datetime) -> list[Step]:
    """A stage's steps, not stored."""
    return [
        Step(
            request=request,
            kind=spec.kind,
            source=source,
            round=request.round,
            manual=spec.manual,
            created_at=now,
            next_attempt_at=now,
        )
        for source in spec.sources
    ]


def _proceed(request: Request) -> None:
    """Nobody has to decide, or somebody has: then the state moves on when a worker takes the step up."""
    if request.state == State.CONFIRMED:  # there was nothing to look for
        request.collect()
        statements.update(request, "state")
    if request.state == State.COLLECTING:
        request.proceed()
        statements.update(request, "state")


def _decide(request: Request) -> None:
    """By what was applied: a verified plan has decided by itself and is past this state."""
    outcomes = {step.result[OUTCOME] for step in rows.steps(request) if step.kind == StepKind.APPLY}
    request.answer(Outcome.GRANTED if outcomes == {Outcome.GRANTED} else Outcome.PARTLY)
    statements.update(request, "state", "outcome")
    record(verbs.DECIDED.name, actor=system("worker"), subject=request.ref, outcome=str(request.outcome))


def insert_answer(request: Request, *, now: datetime) -> None:
    """It is decided; whatever else was planned in this round is not wanted any more."""
    cancel_rest(request, now=now)
    insert(request, ANSWER, now=now)


def cancel_rest(request: Request, *, now: datetime) -> None:
    """End every step that is not over; a worker that is at one of them will find its lease gone."""
    for step in _UNFINISHED(request.pk):
        cancel(step, now=now)


def starts(request: Request) -> bool:
    """Whether the state follows when a worker takes up a step now."""
    return State(request.state) in ON_START


def start(request: Request) -> None:
    """A worker takes up a step: the state follows."""
    if (name := ON_START.get(State(request.state))) is not None:
        getattr(request, name)()
        statements.update(request, "state")


def again(request: Request, *, why: str, actor: str, now: datetime) -> None:
    """Collect and plan anew in another round; the old round stays as a record. `why` is a slug."""
    cancel_rest(request, now=now)
    request.replan()
    request.save(update_fields=["state", "round"])
    record(verbs.REPLANNED.name, actor=actor, subject=request.ref, round=request.round, why=why)
    begin(request, now=now)


def close_manual(step: Step, *, actor: str, now: datetime, **result: object) -> None:
    """A person has done a manual step."""
    step.state, step.finished_at, step.done_by, step.result = WorkState.DONE, now, actor, result
    statements.update(step, "state", "finished_at", "done_by", "result")
