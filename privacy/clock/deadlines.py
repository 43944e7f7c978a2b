"""The clock: events in, dates out.

    effective = min(promise, law)

The promise is so many days flat from receipt; nothing pauses or extends it. The law stands beside it, by regime and
kind. What no law knows (a pause in the EU, an extension announced too late, a second one) has no effect here, however
often it was written down, so a wrong click never buys time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from privacy.clock.events import STARTS_OVER, Event, Kind
from privacy.clock.rules import VERSION, Duty, Law, law_of, laws_for, promise_of

# The other events say what happened and move no date.
MOVING = frozenset({Kind.EXTENDED, Kind.PAUSED, Kind.RESUMED})


@dataclass(frozen=True, slots=True)
class RuleUsed:
    """`promised` tells what the company promised from what a law asks for."""

    rule: str
    source: str
    due: date
    promised: bool = False


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Last days to answer, each inclusive. `rules` starts with the one that decides.

    acknowledge  by when the receipt must have been confirmed, where a law says so
    """

    promise_due: date
    law_due: date
    effective_due: date
    rules: tuple[RuleUsed, ...]
    rules_version: str = VERSION
    acknowledge: RuleUsed | None = None


def deadlines(events: Iterable[Event], regime: str, as_of: date | None = None, *, kind: str = "") -> Deadlines:
    """The dates that follow from `events` (only those up to `as_of`, when given) under one regime.

    `kind` is that of the request; without one the regime's general rule counts. Raises ValueError when there is no
    receipt among the events, or for a regime that does not exist.
    """
    counted = [event for event in events if as_of is None or event.on <= as_of]
    received = next((event.on for event in counted if event.kind == Kind.RECEIVED), None)
    if received is None:
        raise ValueError("A clock without a receipt has no deadlines.")
    moving = tuple(event for event in counted if event.kind in MOVING)
    return _derived(received, moving, regime, kind) if moving else _undisturbed(received, regime, kind)


@lru_cache(maxsize=8_192)
def _undisturbed(received: date, regime: str, kind: str) -> Deadlines:
    """Without an event that moves a date, all requests of one day, regime and kind have the same ones."""
    return _derived(received, (), regime, kind)


def _derived(received: date, moving: Sequence[Event], regime: str, kind: str) -> Deadlines:
    promised = promise_of(kind)
    promise = RuleUsed(promised.rule, promised.source, received + timedelta(days=promised.days), promised=True)
    law, duty = _law(received, moving, regime, kind)
    first = law if law.due < promise.due else promise
    return Deadlines(
        promise_due=promise.due,
        law_due=law.due,
        effective_due=first.due,
        rules=(first, law if first is promise else promise),
        acknowledge=RuleUsed(duty.rule, duty.source, duty.by(received)) if duty else None,
    )


def _law(received: date, events: Sequence[Event], regime: str, kind: str) -> tuple[RuleUsed, Duty | None]:
    known = law_of(regime, kind)
    if known is not None:
        return _Running(known, received).after(events).used(), known.acknowledged
    strictest = [(_Running(law, received).used(), law.acknowledged) for law in laws_for(kind)]
    duties = [duty for _used, duty in strictest if duty is not None]
    return (
        min((used for used, _duty in strictest), key=lambda used: used.due),
        min(duties, key=lambda duty: duty.by(received), default=None),
    )


@dataclass(slots=True)
class _Running:
    """One law's period while events pass by, in the order of their days.

    Source: UK GDPR Art. 12A, read with DPA 2018 s. 54: the period starts at the latest of receipt, the proof of
    identity that was asked for, and the fee; the days from a question about what is wanted to its answer, both
    included, do not count. A question still open stops nothing yet; one asked after the last day stops nothing ever.
    """

    law: Law
    start: date
    extended: bool = False
    stopped: int = 0
    asked: Event | None = None
    counted_until: date = date.min

    @property
    def due(self) -> date:
        reckon = self.law.extended if self.extended and self.law.extended else self.law.first
        return reckon(self.start) + timedelta(days=self.stopped)

    def after(self, events: Iterable[Event]) -> "_Running":
        for event in sorted(events, key=lambda event: event.on):  # what happened on one day stays in its order
            if event.on < self.start:
                continue
            if event.kind == Kind.EXTENDED:
                # While the answer to a question is out, the period is not over.
                self.extended = self.extended or (event.on <= self.due or self.asked is not None)
            elif event.kind == Kind.PAUSED and self.law.stops and self.asked is None and event.on <= self.due:
                self.asked = event
            elif event.kind == Kind.RESUMED and self.asked is not None:
                self._answered(self.asked, event.on)
        return self

    def _answered(self, asked: Event, on: date) -> None:
        if asked.facts.get("about") in STARTS_OVER:
            self.start, self.stopped = on, 0
        else:
            # No day counts twice: a second question on the day of the first answer begins on the day after.
            since = max(asked.on, self.counted_until + timedelta(days=1))
            self.stopped += max((on - since).days + 1, 0)
        self.asked, self.counted_until = None, max(self.counted_until, on)

    def used(self) -> RuleUsed:
        extended = self.extended and self.law.extended is not None
        return RuleUsed(self.law.extended_rule if extended else self.law.rule, self.law.source, self.due)
