"""Writing what happened to a request's clock, and deriving its dates.

What could go wrong: a date that was typed, or that no longer follows from the events. So this module alone writes the
dates, always all of them, always from all the events; `replay` shows how they looked on any earlier day. Or an
extension that nobody was told of: the event is written when its letter has left, with that day, and by nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from crasme.kit.clock import controller_day
from crasme.kit.statements import Fetch, insert, update
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.clock.deadlines import Deadlines, deadlines
from privacy.clock.events import Event, Kind
from privacy.clock.rules import law_of
from privacy.models import ClockEvent, Message, Request
from privacy.webhooks import Event as Told, emit

_EVENTS = Fetch(lambda: ClockEvent.objects.order_by("at", "id"), "request")
DATES = ("promise_due", "law_due", "effective_due", "rules_version")
# Letters that do something to the clock when they have gone out.
EXTENSION, QUESTION = "extended", "question"


# --- dates ------------------------------------------------------------------------------------------------------------
def set_dates(request: Request, events: list[Event]) -> Deadlines:
    """Put the derived dates on the instance; the caller saves it."""
    found = deadlines(events, request.regime, kind=request.kind)
    for name in DATES:
        setattr(request, name, getattr(found, name))
    return found


def start(request: Request, *, actor: str) -> None:
    """The clock starts when the request was received, not when it was confirmed. The row exists by now."""
    insert(
        ClockEvent(
            request=request,
            kind=Kind.RECEIVED,
            at=request.received_at,
            on=request.received_on,
            facts={"regime": request.regime},
            actor=actor,
        )
    )


def note(
    request: Request, kind: Kind, *, actor: str, now: datetime, on: date | None = None, **facts: Any
) -> ClockEvent:
    """Add an event to a request whose row the caller has locked; saves the dates that follow.

    `on` is the day that counts, when it is not today: a letter that had arrived before somebody opened it.
    """
    event = ClockEvent(request=request, kind=kind, at=now, on=on or controller_day(now), facts=facts, actor=actor)
    insert(event)
    if kind == Kind.REGIME:
        request.regime = facts["regime"]
    set_dates(request, events_of(request))
    update(request, *DATES, "regime")
    record(
        verbs.CLOCK.name,
        actor=actor,
        subject=request.ref,
        event=str(kind),
        on=event.on,
        due=request.effective_due,
        rules_version=request.rules_version,
    )
    if kind == Kind.EXTENDED:
        emit(Told.EXTENDED, request, now=now)
    return event


def replay(request: Request, as_of: date) -> Deadlines:
    """The dates as they followed on that day from what had happened by then. ValueError before the receipt."""
    return _dates_on(request, events_of(request), as_of)


@dataclass(frozen=True, slots=True)
class Turn:
    """One event, and the dates that followed from it and everything before it."""

    event: ClockEvent
    dates: Deadlines


def history(request: Request) -> list[Turn]:
    """Every event with the dates as they followed, the first one first. One query."""
    rows = list(request.clock_events.all())
    events = [_event(row.kind, row.on, row.facts) for row in rows]
    return [
        Turn(row, deadlines(events[:number], _regime(request, events[:number]), kind=request.kind))
        for number, row in enumerate(rows, start=1)
    ]


def _dates_on(request: Request, events: list[Event], as_of: date) -> Deadlines:
    known = [event for event in events if event.on <= as_of]
    return deadlines(known, _regime(request, known), kind=request.kind)


def _regime(request: Request, events: list[Event]) -> str:
    said = [event.facts["regime"] for event in events if "regime" in event.facts]
    return str(said[-1]) if said else request.regime


def events_of(request: Request) -> list[Event]:
    return [_event(row.kind, row.on, row.facts) for row in _EVENTS(request.pk)]


def _event(kind: str, on: date, facts: dict[str, Any]) -> Event:
    return Event(kind, on, facts)


# --- extensions and pauses --------------------------------------------------------------------------------------------
def extended(request: Request, on: date) -> Deadlines | None:
    """The dates if a notice of extension went out on that day; None when it would change nothing."""
    events = events_of(request)
    with_notice = deadlines([*events, Event(Kind.EXTENDED, on)], request.regime, kind=request.kind)
    without = deadlines(events, request.regime, kind=request.kind)
    return with_notice if with_notice.law_due > without.law_due else None


def stops(request: Request) -> bool:
    """Whether the law of this request lets the clock stand still while the person is asked something. For a child it
    never does: whoever is asked there is somebody else.
    """
    if request.kind == Request.Kind.CHILD:
        return False
    law = law_of(request.regime, request.kind)
    return law is not None and law.stops


def is_paused(kinds: Iterable[str]) -> bool:
    """Whether the last of these events that has to do with questions opened one."""
    about = [kind for kind in kinds if kind in (Kind.PAUSED, Kind.RESUMED)]
    return bool(about) and about[-1] == Kind.PAUSED


def open_question(request: Request) -> ClockEvent | None:
    """The pause that has not ended, if there is one."""
    last = request.clock_events.filter(kind__in=(Kind.PAUSED, Kind.RESUMED)).last()
    return last if last is not None and last.kind == Kind.PAUSED else None


def is_void(message: Message, *, now: datetime) -> bool:
    """Whether a letter must not go out any more: an extension that would be announced too late is none."""
    return message.template == EXTENSION and extended(message.request, controller_day(now)) is None


def went_out(message: Message, *, now: datetime) -> None:
    """A letter has left: what follows for the clock. Called in the transaction that notes it, before anything else, so
    that the request's row is locked first as everywhere.
    """
    if message.template not in (EXTENSION, QUESTION):
        return
    request = Request.objects.select_for_update().get(pk=message.request_id)
    if not request.is_open:
        return
    if message.template == EXTENSION:
        note(request, Kind.EXTENDED, actor=system("mail"), now=now, **message.facts)
    elif message.template == QUESTION and stops(request) and open_question(request) is None:
        note(request, Kind.PAUSED, actor=system("mail"), now=now, **message.facts)


@transaction.atomic
def reply_arrived(
    request: Request, now: datetime, *, actor: str = system("mail"), on: date | None = None
) -> ClockEvent | None:
    """The person has answered: a clock that stood still goes on. None when none did; doing it again changes nothing.

    `on` is the day on which the answer arrived, when it is not today; never before the question.
    """
    locked = Request.objects.select_for_update().get(pk=request.pk)
    asked = open_question(locked)
    if asked is None or not locked.is_open:
        return None
    return note(locked, Kind.RESUMED, actor=actor, now=now, on=max(on, asked.on) if on else None)
