"""Privacy requests in every state, some overdue, a few stuck.

What is open went through the product's own services, with the clock set back, so that an agent finds real plans over
real rows. What was closed long ago is written in bulk by `crasme.demo.archive`.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from crasme.crm.models import Account
from crasme.demo import archive
from crasme.demo.plan import Demo
from crasme.demo.sign_ins import SIGN_INS
from crasme.kit.claims import WorkState
from crasme.staff.models import User
from privacy.models import Message, Plan, Request, Step
from privacy.services import approvals, desk, intake
from privacy.services.confirmation import proven
from privacy.states import State
from privacy.steps import flow, runner

Kind = Request.Kind
# How many requests of a hundred end where, and how many days ago they arrived (an age above 30 is overdue).
OPEN = (
    (State.RECEIVED, 3, (0, 12)),
    (State.CONFIRMED, 1, (1, 9)),
    (State.COLLECTING, 1, (6, 27)),
    (State.REVIEW, 13, (1, 29)),
    (State.REVIEW, 2, (31, 44)),
    (State.APPROVED, 1, (9, 28)),
    (State.EXECUTING, 1, (12, 33)),
    (State.ANSWERING, 1, (14, 29)),
    (State.CLOSED, 2, (6, 28)),
)
MOST_THROUGH_SERVICES = 500
WISHES = {
    "de": "Bitte schicken Sie mir alles, was Sie über mich gespeichert haben.",
    "en": "I have moved to another company and no longer use this account.",
    "fr": "Je souhaite savoir quelles données vous conservez sur moi.",
    "es": "Quisiera recibir una copia de mis datos personales.",
    "ar": "أرغب في معرفة البيانات المحفوظة عني.",
}
KINDS = {
    Kind.ACCESS: 42,
    Kind.DELETION: 34,
    Kind.PORTABILITY: 6,
    Kind.CORRECTION: 6,
    Kind.OPT_OUT: 5,
    Kind.RESTRICTION: 3,
    Kind.OBJECTION: 2,
    Kind.COMPLAINT: 2,
}
BY_STEPS = (Kind.ACCESS, Kind.DELETION)


@dataclass(frozen=True, slots=True)
class Desk:
    """The demo's staff, by what they do."""

    agents: list[User]
    officers: list[User]

    @classmethod
    def find(cls) -> "Desk":
        users = {user.email: user for user in User.objects.filter(email__in=[one.email for one in SIGN_INS])}
        people = [(users[one.email], one.role) for one in SIGN_INS]
        return cls(
            agents=[user for user, role in people if role == "Support agent"],
            officers=[user for user, role in people if role == "Privacy officer"],
        )


def make(demo: Demo, *, progress: Callable[[int, int], None]) -> dict[str, int]:
    """Requests made, by how far they got."""
    rng, desk_ = demo.rng("requests"), Desk.find()
    people = Account.objects.usable().filter(on_hold=False).exclude(role=Account.Role.OWNER)
    accounts = list(people.select_related("organisation").order_by("pk")[: demo.size.requests])
    rng.shuffle(accounts)
    journeys = list(_journeys(demo, rng))
    for position, (state, days) in enumerate(journeys):
        _journey(demo, rng, desk_, accounts[position], state, days)
        progress(position + 1, demo.size.requests)
    _mail_has_gone_out(demo)
    rest = demo.size.requests - len(journeys)
    archive.make(demo, accounts[len(journeys) :], desk_.agents, rest)
    progress(demo.size.requests, demo.size.requests)
    return {
        "open requests": Request.objects.open().count(),
        "closed requests": Request.objects.filter(state=State.CLOSED).count(),
    }


def _journeys(demo: Demo, rng: random.Random) -> Iterator[tuple[State, float]]:
    """(state to reach, age in days), as many as the size asks for."""
    hundreds = min(demo.size.requests, MOST_THROUGH_SERVICES) / 100
    for state, share, (youngest, oldest) in OPEN:
        for _ in range(max(1, round(share * hundreds))):
            yield state, rng.uniform(youngest, oldest)


def _journey(demo: Demo, rng: random.Random, desk_: Desk, account: Account, state: State, days: float) -> None:
    kind = rng.choices(list(KINDS), weights=list(KINDS.values()))[0]
    if state in (State.APPROVED, State.EXECUTING, State.CLOSED):
        kind = rng.choice(BY_STEPS)
    received = demo.ago(days)
    request = intake.submit(
        intake.Submission(
            kind=kind,
            email=account.email,
            full_name=account.full_name,
            language=account.language,
            details=WISHES[account.language] if rng.random() < 0.5 else "",
            regime="uk" if account.organisation.country == "GB" else "eu",
            channel=Request.Channel.SIGNED_IN if rng.random() < 0.2 else Request.Channel.WEB,
        ),
        now=received,
    )
    if state == State.RECEIVED:
        return
    confirmed = received + timedelta(minutes=rng.uniform(2, 600))
    request = proven(request, by="link", now=min(confirmed, demo.now))
    _Walk(demo, rng, desk_, request).to(state)


class _Walk:
    """One request's way to a state. What would go on by itself as soon as a worker looks is left stuck on purpose."""

    def __init__(self, demo: Demo, rng: random.Random, desk_: Desk, request: Request) -> None:
        self.demo, self.rng, self.desk, self.request = demo, rng, desk_, request
        self.now = min(request.confirmed_at + timedelta(minutes=1), demo.now)

    def to(self, state: State) -> None:
        if state == State.CONFIRMED:
            return self._stick("error-operationalerror")
        if state == State.COLLECTING:
            self._work(1)
            return self._stick("source-unreachable")
        self._work()
        agent = self.rng.choice(self.desk.agents)
        if self.rng.random() < 0.7:
            desk.assign(self.request, to=agent, by=agent, now=self.now)
        if self.rng.random() < 0.3:
            desk.add_note(
                self.request, body="Called back; the person expects an answer this week.", by=agent, now=self.now
            )
        if state == State.REVIEW:
            return None
        if state == State.ANSWERING:
            officer = self.desk.officers[0]
            desk.refuse(self.request, reason=Request.Refusal.EXCESSIVE, words="", by=officer, now=self.now)
            return self._stick("mail-refused")
        self._approve(agent)
        if state == State.APPROVED:
            return self._stick("error-operationalerror")
        if state == State.EXECUTING:
            with transaction.atomic():
                flow.start(desk.locked(self.request))
            return self._stick("error-timeouterror")
        self._work()
        self._work_after_mail()
        return None

    def _approve(self, agent: User) -> None:
        plan = Plan.objects.filter(request=self.request).latest("made_at")
        if plan.kind == Plan.Kind.ACCESS:
            approvals.release(self.request, plan_hash=plan.hash, by=agent, now=self.now)
            return
        approvals.propose_erasure(self.request, plan_hash=plan.hash, by=agent, now=self.now)
        approvals.approve_erasure(self.request, plan_hash=plan.hash, by=self.desk.officers[0], now=self.now)

    def _work(self, most: int = 20) -> None:
        """Do what the workers would do, at most this many steps."""
        for _ in range(most):
            step = self.request.steps.automatic().claimable(self.now).first()
            if step is None or not runner.run(step.pk, now=self.now):
                break
            self.now += timedelta(minutes=1)  # the next step is due a moment after this one ended
        self.request.refresh_from_db()

    def _work_after_mail(self) -> None:
        _mail_has_gone_out(self.demo, request=self.request)
        self._work()

    def _stick(self, code: str) -> None:
        Step.objects.filter(request=self.request).automatic().unfinished().update(
            state=WorkState.PARKED, attempts=runner.MAX_ATTEMPTS, last_error=code, lease_token=None, lease_until=None
        )


def _mail_has_gone_out(demo: Demo, *, request: Request | None = None) -> None:
    """Nobody wants hundreds of old mails in the local mailbox: they count as sent when they were queued."""
    waiting = Message.objects.outgoing().unfinished()
    if request is not None:
        waiting = waiting.filter(request=request)
    for message in waiting:
        Message.objects.filter(pk=message.pk).update(
            state=WorkState.DONE, finished_at=message.created_at, lease_token=None, lease_until=None
        )
