"""Running one step: claim it, do it, and end it in the same transaction as what it did.

What could go wrong: a message that comes ten times, a worker killed at any line, a step that kills every worker. The
claim is committed before the work; effects, the end of the step and the next steps are one commit after it; a lapsed
lease is taken over; every attempt counts when it begins, and the one too many parks the step for a person. Errors
leave a code and never a text: texts quote data.

A step may take the `quick` ones that follow along into its own end: they are one commit, all of it or nothing. Whatever
goes wrong with one of them is undone together with the end, and the step ends once more, alone; a worker that dies of
one finds the step alone when it comes round again. So each failure is counted with the step that failed. And quick is
quick: the transaction holds the request's lock, so a statement of theirs that takes longer than ALONG fails them too.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from uuid import UUID

from django.db import connection, transaction

from crasme.kit.claims import LeaseLost, WorkState, cancel, claim, finish, retry_or_park
from crasme.kit.errors import CrasmeError
from crasme.kit.statements import insert, update
from crasme.ledger.services import gathered, record
from crasme.staff.actors import system
from privacy import rows, verbs
from privacy.errors import PlanOutdated, ResidueFound
from privacy.models import Request, Step
from privacy.states import State
from privacy.steps import flow, library
from privacy.steps.definitions import LOOKING, Spec
from privacy.steps.handlers import Done, Job

log = logging.getLogger(__name__)
# Longer than a worker is allowed to live with one task (CELERY_TASK_TIME_LIMIT), so that a lease lapses only behind it.
LEASE = timedelta(seconds=330)
MAX_ATTEMPTS = 5
ALONG = "1s"
ACTOR = system("worker")


GoesOn = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Ended:
    """The request as it is then, and how many of its steps ended."""

    request: Request
    steps: int = 1


class _NotAlong(Exception):
    """A step that was taken along did not work out."""


def run(step_id: UUID, *, now: datetime) -> bool:
    """Do the step if it is due and nobody else has it. Whether it ended here."""
    return attempt(step_id, now=now) is not None


def attempt(
    step_id: UUID, *, now: datetime, known: Request | None = None, goes_on: GoesOn = lambda: False
) -> Ended | None:
    """The same; None when the step did not end here.

    `known` is a request that the caller has just seen, by chance this step's: handlers read it without a lock anyway.
    `goes_on` is asked whether the step that follows may be taken along, if it is quick.
    """
    step, later = _claimed(step_id, now), _clock(now)
    if step is None:
        return None
    request = _settled(step, lambda: _taken_up(step, known, later), later)
    if request is None:
        return None
    job = Job(step=step, request=request, now=now)
    return _settled(step, lambda: _ended(step, library.handler_of(step, request)(job), later, goes_on), later)


def attempt_together(step_ids: Iterable[UUID], *, now: datetime, goes_on: GoesOn = lambda: False) -> int:
    """Do those of the steps that are due and that nobody else has, all of one kind, at once; how many ended here.

    Each is claimed and ended by itself, and one that fails does not keep the others from their end.
    """
    later = _clock(now)
    jobs = []
    for step in filter(None, (_claimed(step_id, now) for step_id in step_ids)):
        request = _settled(step, partial(_taken_up, step, None, later), later)
        if request is not None:
            jobs.append(Job(step=step, request=request, now=now))
    if not jobs:
        return 0
    outcomes: Sequence[Done | Exception]
    try:
        outcomes = library.together_of(jobs[0].step, jobs[0].request)(jobs)
    except Exception as error:  # noqa: BLE001  (it is each step's failure, and settled as such)
        outcomes = [error] * len(jobs)
    ended = (
        _settled(job.step, partial(_ended, job.step, outcome, later, goes_on), later)
        for job, outcome in zip(jobs, outcomes, strict=True)
    )
    return sum(each.steps for each in ended if each is not None)


def _claimed(step_id: UUID, now: datetime) -> Step | None:
    step = claim(Step, step_id, now=now, lease=LEASE, manual=False)
    if step is None or step.attempts <= MAX_ATTEMPTS:
        return step
    # The worker died each time, or the lease would not have come round so often.
    _failed(step, "lease-lapsed", now=now)
    return None


def _clock(now: datetime) -> Callable[[], datetime]:
    started = monotonic()
    return lambda: now + timedelta(seconds=monotonic() - started)


def _settled[T](step: Step, work: Callable[[], T | None], later: Callable[[], datetime]) -> T | None:
    """What the work gives; None when it failed, and what follows from that is noted on the step."""
    try:
        return work()
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


def _taken_up(step: Step, known: Request | None, later: Callable[[], datetime]) -> Request | None:
    """The request, whose state follows; None when the step is not wanted any more, and is cancelled."""
    if known is None or known.pk != step.request_id:
        known = rows.seen(step.request_id)
    request = known
    # What is not wanted once is never wanted again, so no lock is needed to see it; a state that moves on needs one.
    if _wanted(step, request) and flow.starts(request):
        with transaction.atomic():
            request = rows.locked(step.request_id)
            if _wanted(step, request):
                flow.start(request)
    if not _wanted(step, request):
        cancel(step, now=later())
        return None
    return request


def _ended(
    step: Step, outcome: Done | Exception, later: Callable[[], datetime], goes_on: GoesOn = lambda: False
) -> Ended | None:
    """The step's end, its effects included, and of those that it takes along; None when it was cancelled instead."""
    if isinstance(outcome, Exception):
        raise outcome
    if step.attempts == 1 and step.kind in LOOKING:
        try:
            return _ended_at_once(step, outcome, later, goes_on)
        except _NotAlong:
            log.info("Step %s ends alone: what follows it did not work out.", step.pk)
    return _ended_at_once(step, outcome, later, lambda: False)


def _ended_at_once(step: Step, outcome: Done, later: Callable[[], datetime], goes_on: GoesOn) -> Ended | None:
    with transaction.atomic():
        request = rows.locked(step.request_id)
        if not _wanted(step, request):
            cancel(step, now=later())
            return None
        with gathered():
            _end(step, request, outcome, now=later())
            along = _go_on(request, later, goes_on)
    return Ended(request, 1 + along)


def _wanted(step: Step, request: Request) -> bool:
    """Not taken back, refused or overtaken by another round in the meantime."""
    if request.state == State.ANSWERING:
        return step.kind == Step.Kind.ANSWER
    return request.is_open and step.round == request.round


def _end(step: Step, request: Request, done: Done, *, now: datetime) -> None:
    # On a copy: should the transaction fail, the step in hand must still carry its lease.
    finish(copy(step), now=now, result=done.result, done_by=ACTOR)
    if done.effect is not None and (more := done.effect(request)):
        update(Step(pk=step.pk, result=done.result | more), "result")
    _noted(step, request)


def _go_on(request: Request, later: Callable[[], datetime], goes_on: GoesOn) -> int:
    """Make the next steps; the quick ones that come first are done with it, and counted."""
    if not request.is_open:
        return 0
    states, along = flow.states_of(request), 0
    while request.is_open and (spec := flow.following(request, states)) is not None:
        if not (spec.quick and goes_on()):
            flow.insert(request, spec, now=later())
            break
        try:
            with _quickly():
                _take_along(request, spec, now=later())
        except Exception as error:
            raise _NotAlong from error
        states[spec.kind] = [WorkState.DONE]
        along += 1
    return along


@contextmanager
def _quickly() -> Iterator[None]:
    """No statement of what is done within takes longer than ALONG. After a failure the rollback ends the limit."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{ALONG}'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


def _take_along(request: Request, spec: Spec, *, now: datetime) -> None:
    flow.prepare(request, spec, now=now)
    for step in flow.made(request, spec, now=now):
        step.attempts, step.state, step.finished_at, step.done_by = 1, WorkState.DONE, now, ACTOR
        flow.start(request)
        done = library.handler_of(step, request)(Job(step=step, request=request, now=now))
        step.result = done.result | ((done.effect(request) if done.effect is not None else None) or {})
        insert(step)
        _noted(step, request)


def _noted(step: Step, request: Request) -> None:
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
