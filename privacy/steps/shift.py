"""A worker's shift: the step that it was woken for, what follows from it, and what else is due in the same queue.

Handing each step to another worker by a message costs more than most steps do. So whoever has finished one goes on
with the next of the same request, and then with others, for SECONDS; nothing about a single step changes: each is
claimed, done and ended by itself (`runner`), and can be taken up by anybody at each boundary. What could go wrong: a
long queue that keeps one worker from ever answering (no step begins after SECONDS; the rest is announced), work of
another queue done by a worker that was not meant for it (only light steps, those of the queue `celery`, follow along).
"""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db.models import Q

from crasme.kit.remember import moment
from privacy.models import Request, Step
from privacy.steps import runner
from privacy.steps.definitions import DEFINITIONS, spec_of
from privacy.wake import STEP, keeping

SECONDS = 2.0
LOOK = 50  # steps that are looked up at once
LIGHT = "celery"


def work(step_id: UUID, *, now: datetime) -> int:
    """Begin with this step; how many ended here."""
    found = Step.objects.filter(pk=step_id).values_list("kind", "request__kind").first()
    if found is None:
        return 0
    step_kind, request_kind = found
    queue = spec_of(request_kind, step_kind).queue
    started, ended = monotonic(), 0
    known: Request | None = None
    with moment(), keeping(STEP, {queue, LIGHT}) as ours:
        ours.append((queue, str(step_id)))
        while ours:
            instant = now + timedelta(seconds=monotonic() - started)
            # The newest first: a request is finished before the next one is begun.
            known = runner.attempt(UUID(ours.pop()[1]), now=instant, known=known)
            ended += known is not None
            if monotonic() - started > SECONDS:
                break
            if not ours:
                ours.extend((queue, str(pk)) for pk in _due(queue, now=instant))
        if not ours and (left := _due(queue, now=now + timedelta(seconds=monotonic() - started), count=1)):
            ours.extend((queue, str(pk)) for pk in left)
    return ended


def _due(queue: str, *, now: datetime, count: int = LOOK) -> list[UUID]:
    """Some of what is due, in no order, so that two workers seldom reach for the same."""
    due = Step.objects.automatic().claimable(now).filter(_in(queue)).order_by("next_attempt_at")
    found: list[UUID] = list(due.values_list("pk", flat=True)[:count])
    random.shuffle(found)
    return found


def _in(queue: str) -> Q:
    """The steps that this queue's workers do."""
    kinds: dict[str, set[str]] = {}
    for request_kind, specs in DEFINITIONS.items():
        for spec in specs:
            if spec.queue == queue and not spec.manual:
                kinds.setdefault(spec.kind, set()).add(request_kind)
    return _any(Q(kind=step_kind, request__kind__in=sorted(of)) for step_kind, of in sorted(kinds.items()))


def _any(conditions: Iterable[Q]) -> Q:
    joined = Q(pk__in=())
    for condition in conditions:
        joined |= condition
    return joined
