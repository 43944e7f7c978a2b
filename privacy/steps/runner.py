"""Running one step: claim it, do it, and end it in the same transaction as what it did.

What could go wrong: a message that comes ten times, a worker killed at any line, a step that kills every worker. The
claim is committed before the work; effects, the end of the step and the next steps are one commit after it; a lapsed
lease is taken over; every attempt counts when it begins, and the one too many parks the step for a person. Errors
leave a code and never a text: texts quote data.
"""

import logging
from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db import transaction

from crasme.kit.claims import LeaseLost, WorkState, cancel, claim, finish, retry_or_park
from crasme.kit.errors import CrasmeError
from crasme.ledger.services import gathered, record
from crasme.staff.actors import system
from privacy import verbs
from privacy.errors import PlanOutdated, ResidueFound
from privacy.models import Request, Step
from privacy.states import State
from privacy.steps import flow, library
from privacy.steps.handlers import Done, Job

log = logging.getLogger(__name__)
# Longer than a worker is allowed to live with one task (CELERY_TASK_TIME_LIMIT), so that a lease lapses only behind it.
LEASE = timedelta(seconds=330)
MAX_ATTEMPTS = 5
ACTOR = system("worker")


def run(step_id: UUID, *, now: datetime) -> bool:
    """Do the step if it is due and nobody else has it. Whether it ended here."""
    return attempt(step_id, now=now) is not None


def attempt(step_id: UUID, *, now: datetime, known: Request | None = None) -> Request | None:
    """The same; the request as it is now, or None when the step did not end here.

    `known` is a request that the caller has just seen, by chance this step's: handlers read it without a lock anyway.
    """
    step = claim(Step, step_id, now=now, lease=LEASE, manual=False)
    if step is None:
        return None
    started = monotonic()

    def later() -> datetime:
        return now + timedelta(seconds=monotonic() - started)

    if step.attempts > MAX_ATTEMPTS:
        # The worker died each time, or the lease would not have come round so often.
        _failed(step, "lease-lapsed", now=later())
        return None
    try:
        return _do(step, known, now=now, later=later)
    except LeaseLost:
        log.warning("Step %s came to its end without a lease; its result was dropped.", step.pk)
    except PlanOutdated:
        _look_again(step, now=later())
    except ResidueFound as error:
        Step.objects.filter(pk=step.pk).update(result={"residue": error.found})
        _failed(step, error.code, now=later())
    except CrasmeError as error:
        _failed(step, error.code, now=later())
    except Exception as error:  # noqa: BLE001  (whatever it is, the step must not be lost; the code names the kind)
        _failed(step, f"error-{type(error).__name__.lower()}"[:64], now=later())
    return None


def _do(step: Step, known: Request | None, *, now: datetime, later: Callable[[], datetime]) -> Request | None:
    if known is None or known.pk != step.request_id:
        known = Request.objects.select_related("person").get(pk=step.request_id)
    request = known
    # What is not wanted once is never wanted again, so no lock is needed to see it; a state that moves on needs one.
    if _wanted(step, request) and flow.starts(request):
        with transaction.atomic():
            request = _locked(step)
            if _wanted(step, request):
                flow.start(request)
    if not _wanted(step, request):
        cancel(step, now=later())
        return None
    done = library.handler_of(step, request)(Job(step=step, request=request, now=now))
    with transaction.atomic():
        request = _locked(step)
        if not _wanted(step, request):
            cancel(step, now=later())
            return None
        with gathered():
            _end(step, request, done, now=later())
    return request


def _locked(step: Step) -> Request:
    locked = Request.objects.select_for_update(of=("self",)).select_related("person")
    found: Request = locked.get(pk=step.request_id)
    return found


def _wanted(step: Step, request: Request) -> bool:
    """Not taken back, refused or overtaken by another round in the meantime."""
    if request.state == State.ANSWERING:
        return step.kind == Step.Kind.ANSWER
    return request.is_open and step.round == request.round


def _end(step: Step, request: Request, done: Done, *, now: datetime) -> None:
    # On a copy: should the transaction fail, the step in hand must still carry its lease.
    finish(copy(step), now=now, result=done.result, done_by=ACTOR)
    if done.effect is not None and (more := done.effect(request)):
        Step.objects.filter(pk=step.pk).update(result=done.result | more)
    record(
        verbs.STEP_DONE.name,
        actor=ACTOR,
        subject=request.ref,
        step=step.pk,
        kind=step.kind,
        source=step.source,
        round=step.round,
        attempts=step.attempts,
    )
    if request.is_open:
        flow.advance(request, now=now)


def _failed(step: Step, code: str, *, now: datetime) -> None:
    log.warning("Step %s (%s) failed: %s, attempt %d.", step.pk, step.kind, code, step.attempts)
    try:
        with transaction.atomic():
            retry_or_park(step, code, now=now, max_attempts=MAX_ATTEMPTS)
            if step.state == WorkState.PARKED:
                request = Request.objects.only("pk").get(pk=step.request_id)
                record(
                    verbs.STEP_PARKED.name, actor=ACTOR, subject=request.ref, step=step.pk, kind=step.kind, code=code
                )
    except LeaseLost:
        log.warning("Step %s had lost its lease before it failed.", step.pk)


def _look_again(step: Step, *, now: datetime) -> None:
    """What was approved is not what is there: back to collecting, and then to a person."""
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=step.request_id)
        flow.again(request, why="plan-changed", actor=ACTOR, now=now)
