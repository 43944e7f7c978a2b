"""A worker's shift: the step that it was woken for, what follows from it, and what else is due in the same queue.

Handing each step to another worker by a message costs more than most steps do. So whoever has finished one goes on
with the next of the same request, and then with others, for SECONDS. A step is claimed, done and ended by itself, or
with the quick ones that follow it (`runner`), and can be taken up by anybody at each boundary. Steps that are done
together wait until nothing else is due, or until they have waited for GATHERING; then all are done at once.

What could go wrong: a long queue that keeps one worker from ever answering (no step begins after SECONDS; the rest is
announced), work of another queue done by a worker that was not meant for it (only light steps, those of the queue
`celery`, follow along), one step that kills whoever does it and takes the others down with it (what has failed before
is done alone).
"""

import random
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from time import monotonic
from uuid import UUID

from django.db.models import Q

from crasme.kit.remember import moment
from privacy.models import Request, Step
from privacy.steps import runner
from privacy.steps.definitions import every_spec, spec_of
from privacy.wake import STEP, Kept, keeping

SECONDS = 2.0
LOOK = 50  # steps that are looked up at once
TOGETHER = 200  # steps that are done together at most
GATHERING = timedelta(seconds=10)  # how long steps that are done together wait for others, under load
LIGHT = "celery"


def work(step_id: UUID, *, now: datetime) -> int:
    """Begin with this step; how many ended here."""
    found = Step.objects.filter(pk=step_id).values_list("kind", "request__kind").first()
    if found is None:
        return 0
    spec = spec_of(found[1], found[0])
    with moment(), keeping(STEP, {spec.queue, LIGHT}) as ours:
        (ours.for_later if spec.together else ours.found).append((spec.queue, str(step_id)))
        return _Shift(spec.queue, ours, now).work()


class _Shift:
    def __init__(self, queue: str, ours: Kept, now: datetime) -> None:
        self.queue, self.ours = queue, ours
        self._now, self._started = now, monotonic()

    @property
    def now(self) -> datetime:
        return self._now + timedelta(seconds=monotonic() - self._started)

    @property
    def is_over(self) -> bool:
        return monotonic() - self._started > SECONDS

    def _goes_on(self) -> bool:
        return not self.is_over

    def work(self) -> int:
        ended = self._one_by_one() + self._together()
        if self.ours.found and not self.is_over:  # what follows from those
            ended += self._one_by_one()
        if not self.ours.found:
            self._find(1)
        return ended

    def _one_by_one(self) -> int:
        ended = 0
        known: Request | None = None
        while self.ours.found or (not self.is_over and self._find(LOOK)):
            # The newest first: a request is finished before the next one is begun.
            _queue, step_id = self.ours.found.pop()
            done = runner.attempt(UUID(step_id), now=self.now, known=known, goes_on=self._goes_on)
            known = done.request if done is not None else None
            ended += done.steps if done is not None else 0
            if self.is_over:
                break
        return ended

    def _find(self, count: int) -> bool:
        """Make some of what is due ours, in no order, so that two workers seldom reach for the same."""
        if not (ours := _in(self.queue, together=False)):
            return False
        due = Step.objects.automatic().claimable(self.now).filter(ours)
        found = list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:count])
        random.shuffle(found)
        self.ours.found.extend((self.queue, str(pk)) for pk in found)
        return bool(found)

    def _together(self) -> int:
        """Do all that are due at once, by kind; what was tried before is done alone."""
        mine = [step_id for _queue, step_id in self.ours.for_later]
        others = _in(self.queue, together=True)
        if not (mine or others):
            return 0
        which = Q(pk__in=mine) | Q(others, attempts=0) if others else Q(pk__in=mine)
        due = Step.objects.automatic().claimable(self.now).filter(which)
        columns = ("attempts", "kind", "request__kind", "pk", "next_attempt_at")
        found = list(due.order_by("next_attempt_at").values_list(*columns)[:TOGETHER])
        if self.is_over and len(found) < TOGETHER and all(step[-1] > self.now - GATHERING for step in found):
            return 0  # there is more to do: whoever is announced next does these among more of their kind
        self.ours.for_later.clear()
        ended = 0
        for (attempts, *_kinds), steps in groupby(sorted(found), key=lambda step: step[:3]):
            keys = [pk for *_rest, pk, _due in steps]
            if attempts:
                ended += sum(runner.run(pk, now=self.now) for pk in keys)
            else:
                ended += runner.attempt_together(keys, now=self.now, goes_on=self._goes_on)
        return ended


@cache
def _in(queue: str, *, together: bool) -> Q:
    """The automatic steps that this queue's workers do; the empty condition when there is none."""
    kinds: dict[str, set[str]] = {}
    for request_kind, spec in every_spec():
        if spec.queue == queue and spec.together == together and not spec.manual:
            kinds.setdefault(spec.kind, set()).add(request_kind)
    joined = Q()
    for step_kind, request_kinds in sorted(kinds.items()):
        joined |= Q(kind=step_kind, request__kind__in=sorted(request_kinds))
    return joined
