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
from crasme.ledger.services import record
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
    if not Step.objects.automatic().claimable(now).filter(pk=step_id).exists():
        return False
    step = claim(Step, step_id, now=now, lease=LEASE)
    if step is None:
        return False
    started = monotonic()

    def later() -> datetime:
        return now + timedelta(seconds=monotonic() - started)

    if step.attempts > MAX_ATTEMPTS:
        # The worker died each time, or the lease would not have come round so often.
        _failed(step, "lease-lapsed", now=later())
        return False
    try:
        return _do(step, now=now, later=later)
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
    return False


def _do(step: Step, *, now: datetime, later: Callable[[], datetime]) -> bool:
    with transaction.atomic():
        request = Request.objects.select_for_update(of=("self",)).select_related("person").get(pk=step.request_id)
        if not _wanted(step, request):
            cancel(step, now=later())
            return False
        flow.start(request)
    done = library.handler_of(step, request)(Job(step=step, request=request, now=now))
    with transaction.atomic():
        request = Request.objects.select_for_update(of=("self",)).select_related("person").get(pk=step.request_id)
        if not _wanted(step, request):
            cancel(step, now=later())
            return False
        _end(step, request, done, now=later())
    return True


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
