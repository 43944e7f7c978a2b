"""One request's way through the product's own services, up to the state in which the demo wants it.

What could go wrong: a worker that is running takes up what is meant to stay. The caller's transaction hides the request
until it is where it should be, and then nothing of it is due: every step is over, a person's turn, or parked.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import transaction

from crasme.crm.models import Account
from crasme.demo import values
from crasme.demo.plan import Demo
from crasme.demo.sign_ins import SIGN_INS
from crasme.kit.claims import WorkState
from crasme.staff.models import User
from privacy.correspondence.render import render
from privacy.models import Message, Package, Plan, Request, Step
from privacy.particulars import questions_of
from privacy.services import approvals, desk, intake, packages
from privacy.services.assignment import may_answer
from privacy.services.confirmation import proven
from privacy.states import Outcome, State
from privacy.steps import flow, runner
from privacy.steps.definitions import by_hand, granted, needs_people, proposed

# What people write beside what they tick: a copy, to be deleted, anything else.
WISHES = {
    "de": (
        "Bitte schicken Sie mir alles, was Sie über mich gespeichert haben.",
        "Ich habe die Firma gewechselt und brauche das Konto nicht mehr.",
        "Bitte melden Sie sich bei Rückfragen per E-Mail.",
    ),
    "en": (
        "Please send me everything that you hold about me.",
        "I have moved to another company and no longer use this account.",
        "If anything is unclear, please write to me.",
    ),
    "fr": (
        "Je souhaite savoir quelles données vous conservez sur moi.",
        "J'ai changé d'entreprise et n'utilise plus ce compte.",
        "N'hésitez pas à m'écrire en cas de question.",
    ),
    "es": (
        "Quisiera recibir una copia de mis datos personales.",
        "He cambiado de empresa y ya no uso esta cuenta.",
        "Si algo no está claro, escríbanme, por favor.",
    ),
    "ar": (
        "أرغب في معرفة البيانات المحفوظة عني.",
        "انتقلت إلى شركة أخرى ولم أعد أستخدم هذا الحساب.",
        "يرجى مراسلتي إذا كان هناك أي استفسار.",
    ),
}
ANSWERS = {
    "de": "Wir haben uns das angesehen, den Fehler gefunden und behoben. Danke für den Hinweis.",
    "en": "We looked into it, found the mistake and put it right. Thank you for telling us.",
    "fr": "Nous avons vérifié, trouvé l'erreur et l'avons corrigée. Merci de nous l'avoir signalée.",
    "es": "Lo hemos revisado, hemos encontrado el error y lo hemos corregido. Gracias por avisarnos.",
    "ar": "راجعنا الأمر ووجدنا الخطأ وصححناه. شكرًا لإبلاغنا.",
}
NOTE = "Called back; the person expects an answer this week."


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


@dataclass(slots=True)
class Walk:
    """`now` is the hour at which the walk has arrived; it never passes that of the demo."""

    demo: Demo
    rng: random.Random
    desk: Desk
    request: Request
    asked: intake.Submission
    now: datetime

    @classmethod
    def begin(
        cls, demo: Demo, rng: random.Random, desk_: Desk, account: Account, kind: str, received: datetime
    ) -> Self:
        words = WISHES[account.language][{"access": 0, "portability": 0, "deletion": 1}.get(kind, 2)]
        asked = intake.Submission(
            kind=kind,
            email=account.email,
            full_name=account.full_name,
            language=account.language,
            details=words if rng.random() < 0.5 else "",
            regime="uk" if account.organisation.country == "GB" else "eu",
            facts=_ticked(rng, kind),
            channel=Request.Channel.SIGNED_IN if rng.random() < 0.2 else Request.Channel.WEB,
        )
        return cls(demo, rng, desk_, intake.submit(asked, now=received), asked, received)

    def to(self, state: State) -> None:
        self._go(state)
        self._mail()

    def _go(self, state: State) -> None:
        if state == State.RECEIVED:
            return None
        self._pause(0.1)
        self.request = proven(self.request, by="link", now=self.now)
        if state == State.CONFIRMED:
            return self._stick("error-operationalerror")
        if state == State.COLLECTING:
            self._work(1)
            return self._stick("source-unreachable")
        self._work()
        if not needs_people(self.request.kind, self.request.facts):
            return None
        corrects = proposed(self.request.kind)
        if corrects:
            values.propose(self.request, self.rng, now=self.now)
        agent = self._take_up()
        if state == State.REVIEW:
            return self._ask_again() if self.rng.random() < 0.1 else None
        if state == State.ANSWERING:
            officer = self.desk.officers[0]
            desk.refuse(self.request, reason=Request.Refusal.EXCESSIVE, words="", by=officer, now=self.now)
            return self._stick("mail-refused")
        self._approve(agent, corrects=corrects)
        if state == State.APPROVED:
            return self._stick("error-operationalerror")
        if state == State.EXECUTING:
            with transaction.atomic():
                flow.start(desk.locked(self.request))
            return self._stick("error-timeouterror")
        self._work()
        self._mail()  # a request is closed once its letter is out
        self._work()
        values.answer_some(self.request, self.rng, now=self.now)
        return self._fetch()

    # --- what people do ----------------------------------------------------------------------------------------------
    def _take_up(self) -> User:
        # What the agents may not answer is not for them to take.
        everybody = [*self.desk.agents, *self.desk.officers]
        agent = self.rng.choice([user for user in everybody if may_answer(user, self.request)][:2])
        self._pause(0.2)
        if self.rng.random() < 0.7:
            desk.assign(self.request, to=agent, by=agent, now=self.now)
        if self.rng.random() < 0.3:
            desk.add_note(self.request, body=NOTE, by=agent, now=self.now)
        return agent

    def _ask_again(self) -> None:
        """The same person asks for the same thing once more; the second request joins the first."""
        self._pause(0.3)
        proven(intake.submit(self.asked, now=self.now), by="link", now=self.now)

    def _approve(self, agent: User, *, corrects: bool) -> None:
        if corrects:
            self._pause(0.3)
            return values.decide(self.request, self.rng, by=agent, now=self.now)
        self._pause(0.3)
        if granted(self.request.kind, self.request.facts):
            approvals.grant(self.request, ground="accuracy", by=agent, now=self.now)
            return None
        if by_hand(self.request.kind, self.request.facts):
            words = ANSWERS[self.request.language]
            desk.answer(self.request, outcome=Outcome.GRANTED, words=words, by=agent, now=self.now)
            return None
        plan = Plan.objects.filter(request=self.request).latest("made_at")
        if plan.kind == Plan.Kind.ACCESS:
            approvals.release(self.request, plan_hash=plan.hash, by=agent, now=self.now)
            return None
        approvals.propose_erasure(self.request, plan_hash=plan.hash, by=agent, now=self.now)
        self._pause(0.1)
        approvals.approve_erasure(self.request, plan_hash=plan.hash, by=self.desk.officers[0], now=self.now)
        return None

    def _fetch(self) -> None:
        """Some have downloaded their copy, some have not yet."""
        package = Package.objects.filter(request=self.request).first()
        if package is not None and package.deleted_at is None and self.rng.random() < 0.7:
            self._pause(0.2)
            for _piece in packages.fetch(package, now=self.now):
                pass

    # --- what machines do --------------------------------------------------------------------------------------------
    def _work(self, most: int = 20) -> None:
        """Do what the workers would do, at most this many steps."""
        for _ in range(most):
            step = self.request.steps.automatic().claimable(self.now).first()
            if step is None or not runner.run(step.pk, now=self.now):
                break
            self.now += timedelta(minutes=1)  # the next step is due a moment after this one ended
        self.request.refresh_from_db()

    def _mail(self) -> None:
        """Written as it would have gone out, and not sent: nobody wants a hundred old letters in the local mailbox."""
        letters = Message.objects.outgoing().unfinished().filter(request__person=self.request.person_id)
        for letter in letters.select_related("request__person"):
            written = render(letter, now=letter.created_at)
            letters.filter(pk=letter.pk).update(
                state=WorkState.DONE, finished_at=letter.created_at, subject=written.subject, body=written.record
            )

    def _stick(self, code: str) -> None:
        """What would go on by itself as soon as a worker looks is left stuck on purpose."""
        Step.objects.filter(request=self.request).automatic().unfinished().update(
            state=WorkState.PARKED, attempts=runner.MAX_ATTEMPTS, last_error=code, lease_token=None, lease_until=None
        )

    def _pause(self, most: float) -> None:
        """Time passes, up to this share of what is left until the demo's own hour."""
        self.now += (self.demo.now - self.now) * self.rng.uniform(most / 10, most)


def _ticked(rng: random.Random, kind: str) -> dict[str, Any]:
    """What somebody ticked on the form of this kind; an objection here is one that people look at."""
    facts: dict[str, Any] = {}
    for question in questions_of(kind):
        codes = [code for code in question.answers if (kind, code) != (Request.Kind.OBJECTION, "marketing")]
        facts[question.name] = rng.sample(codes, 2) if question.many else rng.choice(codes)
    return facts
