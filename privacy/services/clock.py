"""Writing what happened to a request's clock, and deriving its dates.

What could go wrong: a date that was typed, or that no longer follows from the events. So this module alone writes the
dates, always all of them, always from all the events; `replay` shows how they looked on any earlier day.
"""

from datetime import date, datetime
from typing import Any

from crasme.kit.clock import controller_day
from crasme.ledger.services import record
from privacy import verbs
from privacy.clock.deadlines import Deadlines, deadlines
from privacy.clock.events import Event, Kind
from privacy.models import ClockEvent, Request

DATES = ("promise_due", "law_due", "effective_due", "rules_version")


def set_dates(request: Request, events: list[Event]) -> Deadlines:
    """Put the derived dates on the instance; the caller saves it."""
    found = deadlines(events, request.regime, kind=request.kind)
    for name in DATES:
        setattr(request, name, getattr(found, name))
    return found


def start(request: Request, *, actor: str) -> None:
    """The clock starts when the request was received, not when it was confirmed. The row exists by now."""
    ClockEvent.objects.create(
        request=request,
        kind=Kind.RECEIVED,
        at=request.received_at,
        on=request.received_on,
        facts={"regime": request.regime},
        actor=actor,
    )


def note(request: Request, kind: Kind, *, actor: str, now: datetime, **facts: Any) -> ClockEvent:
    """Add an event to a request whose row the caller has locked; saves the dates that follow."""
    event = ClockEvent.objects.create(
        request=request, kind=kind, at=now, on=controller_day(now), facts=facts, actor=actor
    )
    if kind == Kind.REGIME:
        request.regime = facts["regime"]
    set_dates(request, events_of(request))
    request.save(update_fields=[*DATES, "regime"])
    record(
        verbs.CLOCK.name,
        actor=actor,
        subject=request.ref,
        event=str(kind),
        on=event.on,
        due=request.effective_due,
        rules_version=request.rules_version,
    )
    return event


def replay(request: Request, as_of: date) -> Deadlines:
    """The dates as they followed on that day from what had happened by then. ValueError before the receipt."""
    events = events_of(request)
    known = [event for event in events if event.on <= as_of and "regime" in event.facts]
    regime = known[-1].facts["regime"] if known else request.regime
    return deadlines(events, regime, as_of, kind=request.kind)


def events_of(request: Request) -> list[Event]:
    return [Event(kind, on, facts) for kind, on, facts in request.clock_events.values_list("kind", "on", "facts")]
