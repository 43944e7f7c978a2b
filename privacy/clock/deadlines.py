"""The clock: events in, dates out.

    effective = min(promise, law)

The promise is so many days flat from receipt, by kind; nothing pauses or extends it. The law stands beside it, by
regime. What no regime knows (a pause in the EU, an extension announced too late, a second one) has no effect here,
however often it was written down, so a wrong click never buys time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from privacy.clock.events import Event, Kind
from privacy.clock.regimes import Regime
from privacy.clock.rules import LAWS, VERSION, Law, promise_of

# The other events say what happened and move no date.
MOVING = frozenset({Kind.EXTENDED, Kind.PAUSED, Kind.RESUMED})


@dataclass(frozen=True, slots=True)
class RuleUsed:
    rule: str
    source: str
    due: date


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Last days to answer, each inclusive. `rules` starts with the one that decides."""

    promise_due: date
    law_due: date
    effective_due: date
    rules: tuple[RuleUsed, ...]
    rules_version: str = VERSION


def deadlines(events: Iterable[Event], regime: str, as_of: date | None = None, *, kind: str = "") -> Deadlines:
    """The dates that follow from `events` (only those up to `as_of`, when given) under one regime, for one kind.

    Raises ValueError when there is no receipt among them, or for a regime that does not exist.
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
    promise = RuleUsed(promised.rule, promised.source, received + timedelta(days=promised.days))
    law = _law(received, moving, regime)
    first = law if law.due < promise.due else promise
    return Deadlines(
        promise_due=promise.due,
        law_due=law.due,
        effective_due=first.due,
        rules=(first, law if first is promise else promise),
    )


def _law(received: date, moving: Sequence[Event], regime: str) -> RuleUsed:
    known = LAWS.get(Regime(regime))
    if known is not None:
        return _one(known, received, moving)
    # Nobody knows whose law it is: answer in time for the strictest, without the reliefs of any.
    return min((_one(law, received, ()) for law in LAWS.values()), key=lambda used: used.due)


def _one(law: Law, received: date, moving: Sequence[Event]) -> RuleUsed:
    stopped = timedelta(days=_days_stopped(moving, received) if law.stops else 0)
    due = law.first(received) + stopped
    if law.extended is not None and any(
        event.kind == Kind.EXTENDED and received <= event.on <= due for event in moving
    ):
        return RuleUsed(law.extended_rule, law.source, law.extended(received) + stopped)
    return RuleUsed(law.rule, law.source, due)


def _days_stopped(events: Sequence[Event], received: date) -> int:
    """Days between a question and its answer, both counted; a question still open stops nothing yet.

    Source: UK GDPR Art. 12A, read with DPA 2018 s. 54. Overlapping questions count once.
    """
    total, asked, until = 0, None, received - timedelta(days=1)
    for event in sorted(events, key=lambda event: event.on):
        if event.kind == Kind.PAUSED and asked is None:
            asked = max(event.on, received, until + timedelta(days=1))
        elif event.kind == Kind.RESUMED and asked is not None:
            total += max((event.on - asked).days + 1, 0)
            asked, until = None, max(until, event.on)
    return total
