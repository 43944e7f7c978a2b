"""Requests that were closed in the last two years, as rows: the board and the figures need a history."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import batched, cycle, islice
from typing import cast

from crasme.crm.models import Account
from crasme.demo.plan import Demo, Draw, uuid7_at
from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from crasme.staff.actors import system
from crasme.staff.models import User
from privacy.clock.deadlines import deadlines
from privacy.clock.events import Event, Kind as Happened
from privacy.models import ClockEvent, Person, Request, Step
from privacy.querysets import email_hash
from privacy.states import Outcome, State
from privacy.steps.definitions import Spec, steps_of

BATCH = 1_000
OUTCOMES = {
    Outcome.GRANTED: 70,
    Outcome.PARTLY: 12,
    Outcome.REFUSED: 5,
    Outcome.WITHDRAWN: 5,
    Outcome.UNCONFIRMED: 8,
}
DONE = (Outcome.GRANTED, Outcome.PARTLY)
KINDS = (Request.Kind.ACCESS, Request.Kind.ACCESS, Request.Kind.DELETION, Request.Kind.OPT_OUT)
CHANNELS = (Request.Channel.WEB, Request.Channel.WEB, Request.Channel.EMAIL, Request.Channel.PHONE)
ACTOR = system("demo")


def make(demo: Demo, accounts: list[Account], agents: list[User], count: int, draw: Draw) -> None:
    """`count` closed requests; the accounts are asked in turn, so some people asked more than once."""
    rng = demo.rng("archive")
    made = demo.size.requests - count
    for batch in batched(islice(cycle(accounts), max(0, count)), BATCH):
        people = _people(demo, rng, batch)
        requests = [_request(demo, rng, people[account.pk], account, agents) for account in batch]
        forgotten = [_forgotten(rng, request) for request in requests if _erased(request)]
        Person.objects.bulk_create(forgotten)
        Request.objects.bulk_create(requests)
        ClockEvent.objects.bulk_create(event for request in requests for event in _events(rng, request))
        Step.objects.bulk_create(step for request in requests for step in _steps(rng, request))
        made += len(batch)
        draw(made, demo.size.requests)


def _people(demo: Demo, rng: random.Random, accounts: tuple[Account, ...]) -> dict[object, Person]:
    """The person behind each account; made once, however often they ask."""
    asked = {email_hash(account.email): account for account in accounts}
    missing = asked.keys() - set(Person.objects.filter(email_hash__in=asked).values_list("email_hash", flat=True))
    Person.objects.bulk_create(_person(demo, rng, asked[hashed], hashed) for hashed in asked if hashed in missing)
    found = {person.email_hash: person for person in Person.objects.filter(email_hash__in=asked)}
    return {account.pk: found[hashed] for hashed, account in asked.items()}


def _person(demo: Demo, rng: random.Random, account: Account, hashed: str) -> Person:
    made = demo.ago(720)
    return Person(
        id=uuid7_at(made, rng),
        email=account.email,
        email_hash=hashed,
        full_name=account.full_name,
        language=account.language,
        account=account,
        created_at=made,
    )


def _erased(request: Request) -> bool:
    return request.kind == Request.Kind.DELETION and request.outcome in DONE


def _forgotten(rng: random.Random, request: Request) -> Person:
    """Who was erased is not in the database any more: a row without a name stands for them, as after an erasure."""
    person = Person(
        id=uuid7_at(request.received_at, rng),
        email_hash=email_hash(f"gone-{rng.getrandbits(64):x}@customers.example"),
        language=request.language,
        created_at=request.received_at,
        forget_from=request.closed_at,
    )
    request.person = person
    return person


def _request(demo: Demo, rng: random.Random, person: Person, account: Account, agents: list[User]) -> Request:
    received = demo.ago(rng.uniform(40, 700))
    outcome = rng.choices(list(OUTCOMES), weights=list(OUTCOMES.values()))[0]
    unproven = outcome == Outcome.UNCONFIRMED
    # One in thirty was late: a board that has never seen red proves nothing.
    took = 14.0 if unproven else (rng.uniform(31, 36) if rng.random() < 0.03 else rng.uniform(0.5, 26))
    regime = "uk" if account.organisation.country == "GB" else "eu"
    due = deadlines([Event(Happened.RECEIVED, controller_day(received))], regime)
    return Request(
        id=uuid7_at(received, rng),
        kind=rng.choice(KINDS),
        person=person,
        state=State.CLOSED,
        channel=rng.choice(CHANNELS),
        regime=regime,
        language=account.language,
        assignee=None if unproven else rng.choice(agents),
        received_at=received,
        received_on=controller_day(received),
        confirmed_at=None if unproven else received + timedelta(hours=rng.uniform(0.1, 8)),
        closed_at=received + timedelta(days=took),
        promise_due=due.promise_due,
        law_due=due.law_due,
        effective_due=due.effective_due,
        rules_version=due.rules_version,
        outcome=outcome,
        refusal_reason=Request.Refusal.EXCESSIVE if outcome == Outcome.REFUSED else "",
    )


def _events(rng: random.Random, request: Request) -> Iterator[ClockEvent]:
    moments: tuple[tuple[Happened, datetime, dict[str, str]], ...] = (
        (Happened.RECEIVED, request.received_at, {"regime": request.regime}),
        (Happened.CLOSED, cast(datetime, request.closed_at), {}),
    )
    for kind, at, facts in moments:
        yield ClockEvent(
            id=uuid7_at(at, rng), request=request, kind=kind, at=at, on=controller_day(at), facts=facts, actor=ACTOR
        )


def _steps(rng: random.Random, request: Request) -> Iterator[Step]:
    """Every step of a granted request, done; none of any other."""
    if request.outcome not in DONE:
        return
    began = cast(datetime, request.confirmed_at)
    for spec, took in _took(rng, request):
        for source in spec.sources:
            yield Step(
                id=uuid7_at(began, rng),
                request=request,
                kind=spec.kind,
                source=source,
                manual=spec.manual,
                created_at=began,
                next_attempt_at=began,
                attempts=1,
                state=WorkState.DONE,
                finished_at=began + took,
                done_by=ACTOR,
            )
        began += took


def _took(rng: random.Random, request: Request) -> Iterator[tuple[Spec, timedelta]]:
    """Machines take minutes; the rest of the time it waited for a person."""
    specs = steps_of(request.kind)
    minutes = {spec.kind: timedelta(minutes=rng.uniform(0.2, 4)) for spec in specs if not spec.manual}
    waited = (
        cast(datetime, request.closed_at) - cast(datetime, request.confirmed_at) - sum(minutes.values(), timedelta())
    )
    people = sum(spec.manual for spec in specs)
    for spec in specs:
        yield spec, minutes.get(spec.kind, max(waited, timedelta()) / max(people, 1))
