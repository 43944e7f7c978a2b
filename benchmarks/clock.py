"""Deadlines a second: the clock's functions alone, and all open requests of a database derived anew from their events.

The baseline of the functions counts the same dates day by day, as one does with a finger on a calendar; both must come
to the same dates. The baseline of the database does for one request after the other what happens when something is
noted about a single one: read its events, derive, save.
"""

import calendar
import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import batched, pairwise
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from benchmarks.figures import Figure, seconds
from crasme.kit.clock import controller_day
from privacy.clock.deadlines import deadlines
from privacy.clock.events import Event, Kind
from privacy.clock.regimes import Regime
from privacy.models import ClockEvent, Person, Request
from privacy.querysets import email_hash
from privacy.services import clock
from privacy.services.recompute import recompute

ROWS = 100_000
SAMPLE = 1_000  # requests that the slow way of the database is tried on
BATCH = 5_000
DAY = timedelta(days=1)
OUTDATED = "1999-01"
MONTHS = {Regime.EU: (1, 3), Regime.UK: (1, 3)}
DAYS = {Regime.CALIFORNIA: (45, 90), Regime.BRAZIL: (15, None), Regime.CANADA: (30, 60)}
Asked = tuple[str, list[Event]]


def run(rows: int) -> Iterator[Figure]:
    """Requests a second whose three dates are derived."""
    rng = random.Random(rows)
    asked = [_asked(rng) for _ in range(rows)]
    quick: list[tuple[date, ...]] = []
    naive: list[tuple[date, ...]] = []
    taken = seconds(lambda: quick.extend(map(_derived, asked)))
    baseline = seconds(lambda: naive.extend(map(_by_finger, asked)))
    if quick != naive:
        wrong = next(place for place, (one, other) in enumerate(zip(quick, naive, strict=True)) if one != other)
        raise RuntimeError(f"{asked[wrong]}: {quick[wrong]} and {naive[wrong]}")
    yield Figure("clock", rows / taken, "requests/s", rows / baseline, rows, "against counting day by day")
    _store(asked)
    slow = SAMPLE / seconds(lambda: _one_by_one(SAMPLE))
    changed = 0

    def anew() -> None:
        nonlocal changed
        changed = recompute(actor="system:bench")

    fast = rows / seconds(anew)
    if changed != rows - min(rows, SAMPLE):
        raise RuntimeError(f"{changed} of {rows} requests were derived anew")
    yield Figure("clock_database", fast, "requests/s", slow, rows, "against one request after the other")


def _derived(asked: Asked) -> tuple[date, ...]:
    found = deadlines(asked[1], asked[0])
    return found.promise_due, found.law_due, found.effective_due


def _asked(rng: random.Random) -> Asked:
    """Somebody's request of the last two years; one in four has an event or two on its clock."""
    received = date(2027, 1, 1) + rng.randrange(730) * DAY
    events = [Event(Kind.RECEIVED, received)]
    if rng.random() < 0.1:
        events.append(Event(Kind.EXTENDED, received + rng.randrange(40) * DAY))
    if rng.random() < 0.15:
        question = received + rng.randrange(20) * DAY
        events += [Event(Kind.PAUSED, question), Event(Kind.RESUMED, question + rng.randrange(10) * DAY)]
    return rng.choice(Regime.values), events


def _by_finger(asked: Asked) -> tuple[date, ...]:
    regime, events = asked
    received = events[0].on
    promise = _days_later(received, 30)
    laws = [law for law in Regime if law != Regime.OTHER] if regime == Regime.OTHER else [Regime(regime)]
    law = min(_law(each, received, [] if regime == Regime.OTHER else events) for each in laws)
    return promise, law, min(promise, law)


def _law(law: Regime, received: date, events: list[Event]) -> date:
    first, more = MONTHS.get(law) or DAYS[law]
    later = _months_later if law in MONTHS else _days_later
    stopped = 0
    if law == Regime.UK:
        for question, answer in pairwise(events):
            if (question.kind, answer.kind) == (Kind.PAUSED, Kind.RESUMED):
                day = question.on
                while day <= answer.on:
                    day, stopped = day + DAY, stopped + 1
    due = _days_later(later(received, first), stopped)
    if more and any(event.kind == Kind.EXTENDED and received <= event.on <= due for event in events):
        return _days_later(later(received, more), stopped)
    return due


def _days_later(day: date, count: int) -> date:
    for _ in range(count):
        day += DAY
    return day


def _months_later(day: date, count: int) -> date:
    wanted = day.day
    for _ in range(count):
        month = day.month
        while day.month == month:
            day += DAY
    last = calendar.monthrange(day.year, day.month)[1]
    while day.day < min(wanted, last):
        day += DAY
    return day


def _store(asked: list[Asked]) -> None:
    """All of one mailbox, confirmed by nobody, with dates that nobody can have derived."""
    now, email = timezone.now(), "clock@bench.example"
    person = Person.objects.create(email=email, email_hash=email_hash(email), created_at=now)
    for share in batched(asked, BATCH, strict=False):
        requests = [_request(person, regime, events[0].on) for regime, events in share]
        Request.objects.bulk_create(requests)
        ClockEvent.objects.bulk_create(
            ClockEvent(request=request, kind=event.kind, at=now, on=event.on, actor="system:bench")
            for request, (_regime, events) in zip(requests, share, strict=True)
            for event in events
        )


def _request(person: Person, regime: str, received: date) -> Request:
    now = timezone.now()
    return Request(
        kind=Request.Kind.ACCESS,
        person=person,
        regime=regime,
        received_at=now,
        received_on=received,
        promise_due=controller_day(now),
        law_due=controller_day(now),
        effective_due=controller_day(now),
        rules_version=OUTDATED,
    )


def _one_by_one(count: int) -> None:
    keys: list[UUID] = list(Request.objects.filter(rules_version=OUTDATED).order_by("pk").values_list("pk", flat=True))
    for key in keys[:count]:
        with transaction.atomic():
            request = Request.objects.select_for_update().get(pk=key)
            clock.set_dates(request, clock.events_of(request))
            request.save(update_fields=clock.DATES)
