"""A life of requests in any order: whatever people, machines and time do, the invariants hold after every turn.

`LIFE_EXAMPLES=200 pytest tests/privacy/test_life.py` looks for longer.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import date, timedelta
from unittest import mock
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crasme.crm.models import Account
from crasme.kit.claims import claim
from crasme.kit.errors import CrasmeError
from crasme.staff.models import User
from privacy.clock.regimes import Regime
from privacy.faults import Violation, rules, violations
from privacy.models import Message, Plan, Request, Step
from privacy.services import (
    alerts,
    approvals,
    assignment,
    children,
    clock,
    confirmation,
    desk,
    emptying,
    entering,
    joining,
    packages,
    plans,
    representatives,
    sweeping,
    timing,
    verification,
)
from privacy.services.entering import Entered
from privacy.services.representatives import Claim
from privacy.states import State
from privacy.steps import runner
from tests.builders import NOW, make_account, make_user, reviewed_request, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESSES = ("ana@customer.example", "bob@customer.example")
MOST = 4  # open at once: with many of them nothing would come to its end
KINDS = ("access", "access", "deletion", "deletion", "complaint", "opt_out", "restriction", "withdrawal")
OFFICERS, WORDS = st.integers(0, 1), "As agreed on the telephone."
CLAIM = Claim("Lena Law", "law@office.example", "lawyer", document=b"%PDF-1.7")
picks, stages, hours = (
    st.integers(0, 30),
    st.sampled_from([6, 6, 5, 4, 3, 2, 1, 0]),
    st.sampled_from([0.1, 1, 20, 24 * 3, 24 * 9, 24 * 16]),
)


@contextmanager
def refused() -> Iterator[None]:
    """What cannot be done now is refused in words, and nothing else happens."""
    with suppress(CrasmeError, ValidationError):
        yield


class Life(RuleBasedStateMachine):
    """Two people with accounts, two agents and two officers. What an example did is rolled back when it is over."""

    def __init__(self) -> None:
        super().__init__()
        self._undone = transaction.atomic()
        self._undone.__enter__()
        self.now = NOW
        self.accounts: list[Account] = [make_account(email=address) for address in ADDRESSES]
        self.agents: list[User] = [make_user("Support agent") for _ in range(2)]
        self.officers: list[User] = [make_user("Privacy officer") for _ in range(2)]
        self.promised: dict[UUID, date] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undone.__exit__(None, None, None)

    def one(self, pick: int, *fitting: State) -> Request:
        """A request in one of these states; now and then, or when there is none, any other."""
        rows = Request.objects.select_related("person").order_by("pk")
        in_place = rows.filter(state__in=fitting) if pick % 5 else rows
        found = list(in_place) or list(rows)
        return found[pick % len(found)]

    # --- as it should be ---------------------------------------------------------------------------------------------
    @initialize(kind=st.sampled_from(KINDS), stage=stages)
    def it_begins(self, kind: str, stage: int) -> None:
        """Chance alone would hardly ever carry one to its end, where the next surprises are."""
        self.it_goes_as_it_should(kind, 0, stage)

    @precondition(lambda self: Request.objects.exclude(state=State.CLOSED).count() < MOST)
    @rule(kind=st.sampled_from(KINDS), who=st.integers(0, 1), stage=stages)
    def it_goes_as_it_should(self, kind: str, who: int, stage: int) -> None:
        """Asked, proven, collected, decided by two, carried out, told; as far as `stage`."""
        request = submit_request(kind, ADDRESSES[who], now=self.now)
        issued = verification.issue(request, now=self.now)
        turns = (
            lambda: confirmation.confirm_by_link(issued.token, now=self.now),
            lambda: self.workers_work(12),
            lambda: self.decided(request, 0, 1),
            lambda: self.workers_work(12),
            lambda: self.the_mail_goes_out(away=False),
            lambda: self.time_passes(24),
        )
        for turn in turns[:stage]:
            with refused():
                turn()

    # --- people who ask ----------------------------------------------------------------------------------------------

    @precondition(lambda self: Request.objects.exclude(state=State.CLOSED).count() < MOST)
    @rule(kind=st.sampled_from(KINDS), who=st.integers(0, 1))
    def somebody_asks(self, kind: str, who: int) -> None:
        submit_request(kind, ADDRESSES[who], now=self.now)

    @precondition(lambda self: Request.objects.exclude(state=State.CLOSED).count() < MOST)
    @rule(kind=st.sampled_from(KINDS), who=st.integers(0, 1), ago=st.integers(0, 40), shown=st.booleans())
    def somebody_writes_a_letter(self, kind: str, who: int, ago: int, shown: bool) -> None:
        day = (self.now - timedelta(days=ago)).date()
        told = Entered([kind], "post", day, email=ADDRESSES[who], identity="post" if shown else "mail")
        with refused():
            entering.enter(told, by=self.agents[0], now=self.now)

    @precondition(lambda self: Request.objects.exclude(state=State.CLOSED).count() < MOST)
    @rule(who=st.integers(0, 1), relation=st.sampled_from(["parent", "other"]), email=st.sampled_from(["", *ADDRESSES]))
    def somebody_reports_a_child(self, who: int, relation: str, email: str) -> None:
        submit_request("child", email, now=self.now, about=ADDRESSES[who], facts={"relation": relation})

    @precondition(lambda self: Request.objects.exclude(state=State.CLOSED).count() < MOST)
    @rule(kind=st.sampled_from(KINDS), who=st.integers(0, 1))
    def somebody_asks_for_another(self, kind: str, who: int) -> None:
        submit_request(kind, ADDRESSES[who], now=self.now, claim=CLAIM)

    @rule(pick=picks, to=st.sampled_from(["person", "rep", "nobody"]))
    def the_person_says_who_is_told(self, pick: int, to: str) -> None:
        request = self.one(pick, State.REVIEW, State.CLOSED)
        if request.confirmed_at is not None:
            with refused():
                representatives.choose(request, to, now=self.now)

    @rule(pick=picks, by_code=st.booleans())
    def the_mailbox_is_proven(self, pick: int, by_code: bool) -> None:
        request = self.one(pick, State.RECEIVED)
        issued = verification.issue(request, now=self.now)
        with refused():
            if by_code:
                confirmation.confirm_by_code(request.reference, issued.code, now=self.now)
            else:
                confirmation.confirm_by_link(issued.token, now=self.now)

    @rule(pick=picks)
    def the_person_takes_it_back(self, pick: int) -> None:
        with refused():
            desk.withdraw(self.one(pick), actor="person:x", now=self.now)

    @rule(pick=picks)
    def the_person_replies(self, pick: int) -> None:
        clock.reply_arrived(self.one(pick), self.now)

    # --- people who answer -------------------------------------------------------------------------------------------
    @rule(pick=picks, agent=st.integers(0, 1))
    def an_agent_takes_it(self, pick: int, agent: int) -> None:
        with refused():
            desk.assign(self.one(pick), to=self.agents[agent], by=self.agents[agent], now=self.now)

    @rule(pick=picks, one=OFFICERS, other=OFFICERS)
    def it_is_decided(self, pick: int, one: int, other: int) -> None:
        """As whoever sits at the desk would; with an erasure it may be the same person twice."""
        self.decided(self.one(pick, State.REVIEW), one, other)

    def decided(self, request: Request, one: int, other: int) -> None:
        plan = plans.current(request)
        found = plan.hash if plan else ""
        with refused():
            if plan is None:
                approvals.grant(request, ground="claims", by=self.officers[one], now=self.now)
            elif plan.kind == Plan.Kind.ACCESS:
                approvals.release(request, plan_hash=found, by=self.officers[one], now=self.now)
            else:
                approvals.propose_erasure(request, plan_hash=found, by=self.officers[one], now=self.now)
        with refused():
            approvals.approve_erasure(request, plan_hash=found, by=self.officers[other], now=self.now)

    @rule(pick=picks)
    def it_is_answered_by_hand(self, pick: int) -> None:
        with refused():
            desk.answer(self.one(pick, State.REVIEW), outcome="granted", words=WORDS, by=self.agents[0], now=self.now)

    @rule(pick=picks)
    def it_is_refused(self, pick: int) -> None:
        with refused():
            desk.refuse(
                self.one(pick, State.REVIEW, State.COLLECTING),
                reason="identity",
                words=WORDS,
                by=self.officers[0],
                now=self.now,
            )

    @rule(pick=picks, agent=st.integers(0, 1), good=st.booleans())
    def a_mandate_is_judged(self, pick: int, agent: int, good: bool) -> None:
        with refused():
            representatives.judge(self.one(pick), accepted=good, words=WORDS, by=self.agents[agent], now=self.now)

    @rule(pick=picks, act=st.sampled_from(["restrict", "judge", "settle"]))
    def an_officer_looks_at_a_report(self, pick: int, act: str) -> None:
        request, by = self.one(pick, State.REVIEW), {"by": self.officers[0], "now": self.now}
        with refused():
            if act == "restrict":
                children.restrict_at_once(request, **by)
            elif act == "judge":
                children.judge_parent(request, believed=True, words=WORDS, **by)
            else:
                children.settle(request, words="", **by)

    @rule(pick=picks, again=st.booleans())
    def it_is_looked_at_again(self, pick: int, again: bool) -> None:
        with refused():
            (desk.look_again if again else desk.reopen)(
                self.one(pick, State.REVIEW if again else State.CLOSED), by=self.agents[0], now=self.now
            )

    @rule(pick=picks, other=picks)
    def two_are_joined(self, pick: int, other: int) -> None:
        with refused():
            joining.join(self.one(pick), self.one(other), by=self.agents[0], now=self.now)

    @rule(pick=picks, act=st.sampled_from(["extend", "ask", "replied", "law"]), regime=st.sampled_from(Regime.values))
    def the_clock_is_turned(self, pick: int, act: str, regime: str) -> None:
        request, by = self.one(pick), {"by": self.agents[0], "now": self.now}
        with refused():
            if act == "extend":
                timing.extend(request, reason="many", words=WORDS, **by)
            elif act == "ask":
                timing.ask(request, about="what", words=WORDS, **by)
            elif act == "replied":
                timing.replied(request, on=self.now.date(), **by)
            else:
                timing.set_law(request, regime=regime, **by)

    @rule(pick=picks)
    def the_data_moves_on(self, pick: int) -> None:
        account = self.accounts[pick % 2]
        Account.objects.filter(pk=account.pk).exclude(status="erased").update(job_title=f"Title {pick}")

    # --- machines ----------------------------------------------------------------------------------------------------
    @rule(most=st.integers(1, 12))
    def workers_work(self, most: int) -> None:
        """Some steps, or all that there are to do."""
        for _ in range(most):
            self.now += timedelta(seconds=40)
            due = Step.objects.automatic().claimable(self.now).order_by("next_attempt_at", "pk")
            for pk in list(due.values_list("pk", flat=True)):
                runner.run(pk, now=self.now)

    @rule(code=st.sampled_from([OSError("full"), KeyError("x")]))
    def steps_fail_until_they_park(self, code: Exception) -> None:
        with mock.patch("privacy.steps.library.handler_of", side_effect=code):
            step = Step.objects.automatic().claimable(self.now).order_by("pk").first()
            for _ in range(runner.MAX_ATTEMPTS if step else 0):
                runner.run(step.pk, now=self.now)
                self.now += timedelta(hours=1)

    @rule()
    def a_worker_dies(self) -> None:
        """With a step in its hands; the sweep finds it when the lease is over."""
        if (step := Step.objects.automatic().claimable(self.now).order_by("pk").first()) is not None:
            claim(Step, step.pk, now=self.now, lease=runner.LEASE)
            self.now += runner.LEASE

    @rule(pick=picks)
    def what_stopped_is_put_back(self, pick: int) -> None:
        stopped = [*Step.objects.parked().order_by("pk"), *Message.objects.parked().order_by("pk")]
        if stopped:
            with refused():
                desk.redrive_work(stopped[pick % len(stopped)], by=self.agents[0], now=self.now)

    @rule(away=st.booleans())
    def the_mail_goes_out(self, away: bool) -> None:
        failing = mock.patch("django.core.mail.EmailMultiAlternatives.send", side_effect=OSError("away"))
        with failing if away else nullcontext():
            deliver(self.now)

    @rule(length=hours)
    def time_passes(self, length: float) -> None:
        """And the sweep runs, as it does each minute."""
        self.now += timedelta(hours=length)
        for step in Step.objects.automatic().lapsed(self.now):
            runner.run(step.pk, now=self.now)
        sweeping.lapse_unconfirmed(self.now)
        assignment.hand_over(self.now)
        alerts.warn(self.now)
        packages.expire(self.now)
        emptying.empty_rest(self.now)
        representatives.forget(self.now)
        sweeping.forget_people(self.now)

    # --- what holds --------------------------------------------------------------------------------------------------
    @invariant()
    def nothing_is_as_it_must_never_be(self) -> None:
        assert violations(self.now) == []

    @invariant()
    def dates_follow_from_the_events_and_the_promise_stays(self) -> None:
        for request in Request.objects.order_by("pk"):
            stored = tuple(getattr(request, name) for name in clock.DATES)
            clock.set_dates(request, clock.events_of(request))
            assert stored == tuple(getattr(request, name) for name in clock.DATES)
            assert self.promised.setdefault(request.pk, request.promise_due) == request.promise_due


def test_whatever_happens_the_invariants_hold() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=int(os.environ.get("LIFE_EXAMPLES", "5")),
            stateful_step_count=20,
            derandomize="LIFE_EXAMPLES" not in os.environ,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- each rule can be broken ------------------------------------------------------------------------------------------
ANOTHER_EVENT = (
    'INSERT INTO privacy_clockevent (id, kind, at, "on", facts, actor, request_id)'
    " SELECT gen_random_uuid(), '{}', at, \"on\", facts, actor, request_id FROM privacy_clockevent"
    " WHERE kind = 'received' LIMIT 1"
)
BREAKS = {
    "one-clock": "UPDATE privacy_request SET received_on = received_on - 1, promise_due = promise_due - 1",
    "live-while-open": ANOTHER_EVENT.format("closed"),
    "due-as-promised": "UPDATE privacy_request SET promise_due = received_on + 31, law_due = received_on + 31,"
    " effective_due = received_on + 31",
    "extended-means-told": ANOTHER_EVENT.format("extended"),
    "confirmed-before-work": "UPDATE privacy_request SET state = 'closed', confirmed_at = NULL,"
    " closed_at = received_at, outcome = 'unconfirmed'",
    "open-means-work": "UPDATE privacy_step SET state = 'cancelled', finished_at = now()",
    "closed-means-done": "UPDATE privacy_request SET state = 'closed', closed_at = received_at, outcome = 'withdrawn'",
    "granted-means-answered": "UPDATE privacy_request SET state = 'closed', closed_at = received_at,"
    " outcome = 'granted'",
    "no-work-ahead": "UPDATE privacy_step SET round = 2",
    "four-eyes": "UPDATE privacy_plan SET approved_at = made_at, approved_by_id = requested_by_id",
    "approved-before-erased": "UPDATE privacy_plan SET executed_at = made_at",
    "erased-by-its-plan": "UPDATE privacy_plan SET executed_at = made_at;"
    " UPDATE privacy_step SET kind = 'execute' WHERE kind = 'collect';"
    " UPDATE privacy_step SET state = 'due', finished_at = NULL WHERE kind = 'execute'",
    "first-come-first": "UPDATE privacy_request later SET state = 'closed', closed_at = received_at,"
    " outcome = 'duplicate', duplicate_of_id = (SELECT id FROM privacy_request WHERE state = 'received' LIMIT 1)"
    " WHERE state = 'review'",
    "no-lapsed-lease": "UPDATE privacy_step SET state = 'leased', lease_token = gen_random_uuid(),"
    " lease_until = now() - interval '1 year', finished_at = NULL",
    "forgotten-means-empty": "UPDATE privacy_person SET email = ''",
    "children-promptly": "UPDATE privacy_request SET promise_due = received_on + 6 WHERE kind = 'child'",
    "children-emptied": "UPDATE privacy_request SET state = 'closed', outcome = 'granted', closed_at = received_at"
    " WHERE kind = 'child'",
    "mandate-destroyed": "UPDATE privacy_request SET state = 'closed', outcome = 'withdrawn', closed_at = received_at",
}  # fmt: skip


def test_every_rule_is_broken_by_what_it_is_about() -> None:
    """The database's own guards are set aside, or most of this could not even be written."""
    make_account(email=ADDRESSES[0])
    request = reviewed_request("deletion", ADDRESSES[0])
    submit_request("access", ADDRESSES[1], details="Words.", full_name="Bob", claim=CLAIM)
    submit_request("child", "", about=ADDRESSES[1], facts={"relation": "other"})
    assert violations(NOW) == []
    assert set(BREAKS) == set(rules())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("request", "clockevent", "step", "plan", "person"):
            cursor.execute(f"ALTER TABLE privacy_{table} DISABLE TRIGGER USER")
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
                [f"privacy_{table}"],
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE privacy_{table} DROP CONSTRAINT "{name}"')
        for name, sql in BREAKS.items():
            with transaction.atomic():
                cursor.execute(sql)
                broken = violations(NOW)
                assert name in {each.rule for each in broken}, name
                transaction.set_rollback(True)
        cursor.execute("UPDATE privacy_step SET round = 2")
    assert Violation("no-work-ahead", request.reference) in violations(NOW)
