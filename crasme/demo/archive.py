"""Requests that were closed in the last two years, as rows: the board and the figures need a history."""

import random
from datetime import timedelta

from crasme.crm.models import Account
from crasme.demo.plan import Demo, uuid7_at
from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from crasme.staff.models import User
from privacy.clock.deadlines import deadlines
from privacy.clock.events import Event, Kind as Happened
from privacy.models import ClockEvent, Person, Request, Step
from privacy.querysets import email_hash
from privacy.states import Outcome, State
from privacy.steps.definitions import steps_of

OUTCOMES = {
    Outcome.GRANTED: 70,
    Outcome.PARTLY: 12,
    Outcome.REFUSED: 5,
    Outcome.WITHDRAWN: 5,
    Outcome.UNCONFIRMED: 8,
}
ACTOR = "system:demo"


def make(demo: Demo, accounts: list[Account], agents: list[User], count: int) -> None:
    """`count` closed requests; the accounts are asked in turn, so some people asked more than once."""
    rng = demo.rng("archive")
    if not accounts or count <= 0:
        return
    people = {account.pk: _person(demo, rng, account) for account in accounts[:count]}
    Person.objects.bulk_create(people.values(), ignore_conflicts=True)
    known = dict(Person.objects.values_list("email_hash", "pk"))
    requests, events, steps = [], [], []
    for index in range(count):
        account = accounts[index % len(accounts)]
        request = _request(demo, rng, known[people[account.pk].email_hash], account, agents)
        requests.append(request)
        events += _events(rng, request)
        steps += _steps(rng, request)
    Request.objects.bulk_create(requests, batch_size=1_000)
    ClockEvent.objects.bulk_create(events, batch_size=2_000)
    Step.objects.bulk_create(steps, batch_size=2_000)


def _person(demo: Demo, rng: random.Random, account: Account) -> Person:
    made = demo.ago(720)
    return Person(
        id=uuid7_at(made, rng),
        email=account.email,
        email_hash=email_hash(account.email),
        full_name=account.full_name,
        language=account.language,
        account=account,
        created_at=made,
    )


def _request(demo: Demo, rng: random.Random, person: object, account: Account, agents: list[User]) -> Request:
    received = demo.ago(rng.uniform(40, 700))
    outcome = rng.choices(list(OUTCOMES), weights=list(OUTCOMES.values()))[0]
    unproven = outcome == Outcome.UNCONFIRMED
    # One in thirty was late: a board that has never seen red proves nothing.
    took = 14.0 if unproven else (rng.uniform(31, 36) if rng.random() < 0.03 else rng.uniform(0.5, 26))
    regime = "uk" if account.organisation.country == "GB" else "eu"
    due = deadlines([Event(Happened.RECEIVED, controller_day(received))], regime)
    return Request(
        id=uuid7_at(received, rng),
        kind=rng.choice((Request.Kind.ACCESS, Request.Kind.ACCESS, Request.Kind.DELETION, Request.Kind.OPT_OUT)),
        person_id=person,
        state=State.CLOSED,
        channel=rng.choice((Request.Channel.WEB, Request.Channel.WEB, Request.Channel.EMAIL, Request.Channel.PHONE)),
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


def _events(rng: random.Random, request: Request) -> list[ClockEvent]:
    moments = (
        (Happened.RECEIVED, request.received_at, {"regime": request.regime}),
        (Happened.CLOSED, request.closed_at, {}),
    )
    return [
        ClockEvent(
            id=uuid7_at(at, rng),
            request=request,
            kind=kind,
            at=at,
            on=controller_day(at),
            facts=facts,
            actor=ACTOR,
        )
        for kind, at, facts in moments
    ]


def _steps(rng: random.Random, request: Request) -> list[Step]:
    """Every step of a granted request, done; none of one that was never confirmed."""
    if request.outcome not in (Outcome.GRANTED, Outcome.PARTLY):
        return []
    return [
        Step(
            id=uuid7_at(request.received_at, rng),
            request=request,
            kind=spec.kind,
            source=source,
            manual=spec.manual,
            created_at=request.received_at,
            next_attempt_at=request.received_at,
            attempts=1,
            state=WorkState.DONE,
            finished_at=request.closed_at,
            done_by=ACTOR,
        )
        for spec in steps_of(request.kind)
        for source in spec.sources
    ]
