"""Who works on what: rules by load, claims and returns, absences, and steps that a person did elsewhere."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.kit.clock import controller_day
from crasme.ledger.models import Entry
from crasme.staff.models import Absence, User
from crasme.staff.roles import AUDITOR, SUPPORT_AGENT
from privacy.errors import Incomplete, MoveNotAllowed, NotYours
from privacy.models import AssignmentRule, Request, Step
from privacy.services import approvals, assignment, completing, desk, intake
from privacy.services.intake import Submission
from privacy.states import State
from privacy.steps import definitions, flow
from privacy.steps.definitions import ANSWER, APPLY, APPROVAL, LOCATE, Spec
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_organisation,
    make_user,
    reviewed_request,
    run_steps,
    sign_in,
    submit_request,
)

pytestmark = pytest.mark.django_db


def later(days: float) -> datetime:
    return NOW + timedelta(days=days)


@pytest.fixture
def ada(db: None) -> User:
    return make_user(SUPPORT_AGENT, first_name="Ada")


@pytest.fixture
def ben(db: None) -> User:
    return make_user(SUPPORT_AGENT, first_name="Ben")


def rule(position: int, *colleagues: User, **fields: Any) -> AssignmentRule:
    made = AssignmentRule.objects.create(name=f"Rule {position}", position=position, **fields)
    made.colleagues.set(colleagues)
    return made


def confirmed(kind: str = "objection", *, to: User | None = None, **fields: Any) -> Request:
    number = Request.objects.count()
    request = confirm_request(submit_request(kind, f"p{number}@customer.example", **fields))
    if to is not None:
        desk.assign(request, to=to, by=to, now=NOW)
    request.refresh_from_db()
    return request


def away(user: User, substitute: User, first: int = 0, last: int = 6, **fields: Any) -> Absence:
    day = controller_day(NOW)
    return Absence.objects.create(
        user=user,
        substitute=substitute,
        first_day=day + timedelta(days=first),
        last_day=day + timedelta(days=last),
        **fields,
    )


def owner(request: Request) -> tuple[User | None, User | None]:
    request.refresh_from_db()
    return request.assignee, request.instead_of


def test_the_first_rule_that_fits_gives_to_whoever_has_least_to_do(ada: User, ben: User) -> None:
    assert confirmed().assignee is None
    auditor = make_user(AUDITOR)
    rule(3, role=SUPPORT_AGENT)
    rule(1, auditor, languages=["es"])  # who may not work on requests gets none
    german = rule(2, ben, languages=["de", "fr"], kinds=["objection", "access"])
    rule(1, ben, active=False)
    busy = [confirmed(to=ada) for _ in range(2)]
    assert confirmed("access", language="de").assignee == ben
    assert confirmed("access", language="en").assignee == ben  # one, against two of Ada's
    assert confirmed("objection", language="es").assignee in (ada, ben)
    assert confirmed("portability", language="de").assignee in (ada, ben)
    for request in busy:
        desk.withdraw(request, actor="person:x", now=NOW)
    assert confirmed("correction").assignee == ada
    facts = Entry.objects.filter(verb="request.assigned", facts__rule=str(german.pk)).get().facts
    assert facts["assignee"] == ben.ref
    assert confirmed("opt_out").assignee is None  # nobody has to look at it


def test_a_rule_that_asks_for_the_law_fits_once_it_is_known(ada: User) -> None:
    rule(1, ada, regimes=["uk"])
    make_account(email="uk@customer.example", organisation=make_organisation(country="GB"))
    request = confirm_request(submit_request("objection", "uk@customer.example"))
    assert request.assignee is None
    run_steps()
    assert owner(request) == (ada, None)


def test_of_a_colleague_who_is_away_the_substitute_gets_it(ada: User, ben: User) -> None:
    cleo = make_user(SUPPORT_AGENT)
    rule(1, ada)
    away(ada, ben)
    assert owner(confirmed()) == (ben, ada)
    away(ben, cleo)
    assert owner(confirmed()) == (cleo, ada)
    away(cleo, ada)  # a circle: nobody is there, and the next rule is asked
    assert owner(confirmed()) == (None, None)
    dora = make_user(SUPPORT_AGENT)
    rule(2, dora)
    assert owner(confirmed()) == (dora, None)


@pytest.mark.parametrize("gives_back", [True, False])
def test_open_work_is_handed_over_and_comes_back_or_stays(ada: User, ben: User, gives_back: bool) -> None:
    open_one, decided, kept = confirmed(to=ada), confirmed(to=ada), confirmed(to=ada)
    away(ada, ben, first=1, last=7, gives_back=gives_back)
    assert assignment.hand_over(NOW) == 0
    assert [assignment.hand_over(later(1)) for _ in range(2)] == [3, 0]
    assert owner(open_one) == (ben, ada)
    desk.assign(decided, to=ben, by=ada, now=later(2))  # it is his already: nothing changes
    desk.assign(kept, to=None, by=ben, now=later(3))
    desk.assign(kept, to=ben, by=ben, now=later(3))
    assert assignment.hand_back(later(7)) == 0
    assert assignment.hand_back(later(8)) == (2 if gives_back else 0)
    assert owner(open_one) == ((ada if gives_back else ben), None)
    assert owner(kept) == (ben, None)  # what was decided by hand stays as it is
    assert assignment.hand_back(later(9)) == 0


def test_work_handed_on_twice_goes_back_to_whoever_had_it_first(ada: User, ben: User) -> None:
    cleo = make_user(SUPPORT_AGENT)
    request = confirmed(to=ada)
    away(ada, ben, last=9)
    assignment.hand_over(NOW)
    away(ben, cleo, first=2, last=5)
    assignment.hand_over(later(2))
    assert owner(request) == (cleo, ada)
    assignment.hand_back(later(10))
    assert owner(request) == (ada, None)


def test_a_substitute_who_may_not_answer_it_does_not_get_it(ada: User) -> None:
    """A complaint is the privacy officers': an agent who stands in for one of them cannot answer it."""
    gone, there = make_user("Privacy officer"), make_user("Privacy officer")
    complaint, other = confirmed("complaint"), confirmed("correction", to=gone)
    desk.assign(complaint, to=gone, by=gone, now=NOW)
    away(gone, ada, last=2)
    assert assignment.hand_over(NOW) == 2
    assert (owner(complaint), owner(other)) == ((there, gone), (ada, gone))
    desk.assign(complaint, to=gone, by=there, now=NOW)
    assert owner(complaint) == (None, None)
    assignment.hand_back(later(3))
    assert owner(other) == (gone, None)


def test_what_no_substitute_may_answer_waits_and_goes_back_to_its_owner(ada: User) -> None:
    gone = make_user("Privacy officer")
    complaint = confirmed("complaint")
    desk.assign(complaint, to=gone, by=gone, now=NOW)
    away(gone, ada, last=2)
    assert assignment.hand_over(NOW) == 1
    assert owner(complaint) == (None, gone)
    assert assignment.hand_back(later(3)) == 1
    assert owner(complaint) == (gone, None)


def test_a_child_s_account_stays_with_officers_whoever_is_away(ada: User) -> None:
    gone = make_user("Privacy officer")
    report = intake.submit(Submission("child", "", about="A boy, Timmy.", facts={"relation": "teacher"}), now=NOW)
    assert owner(report) == (gone, None)
    there = make_user("Privacy officer")
    away(gone, ada, last=2)
    assert assignment.hand_over(NOW) == 1
    assert owner(report) == (there, gone)  # and not the agent who stands in for everything else
    assignment.hand_back(later(3))
    User.objects.filter(pk=gone.pk).update(is_active=False, left_at=NOW)
    assignment.hand_over(later(4))
    assert owner(report)[0] == there


def test_the_work_of_somebody_who_has_left_is_free_again(ada: User, ben: User) -> None:
    theirs, others = confirmed(to=ada), confirmed(to=ben)
    User.objects.filter(pk=ada.pk).update(is_active=False, left_at=NOW)
    assert [assignment.hand_over(later(1)) for _ in range(2)] == [1, 0]
    assert (owner(theirs), owner(others)) == ((None, None), (ben, None))


def test_by_hand_it_goes_to_the_substitute_too_but_whoever_takes_it_is_there(ada: User, ben: User) -> None:
    request = confirmed()
    away(ada, ben)
    desk.assign(request, to=ada, by=ben, now=NOW)
    assert owner(request) == (ben, ada)
    desk.assign(request, to=ada, by=ada, now=NOW)
    assert owner(request) == (ada, None)


def test_an_absence_is_in_order_and_alone() -> None:
    one, other = make_user(SUPPORT_AGENT), make_user(SUPPORT_AGENT)
    with pytest.raises(IntegrityError, match="in_order"), transaction.atomic():
        away(one, other, first=3, last=2)
    with pytest.raises(IntegrityError, match="by_another"), transaction.atomic():
        away(one, one)
    there = away(one, other, first=3, last=5)
    there.full_clean()
    overlapping = Absence(user=one, substitute=other, first_day=there.last_day, last_day=there.last_day)
    with pytest.raises(ValidationError, match="already"):
        overlapping.full_clean()


def test_colleagues_enter_their_own_absences_and_officers_everybodys(client: Client, ada: User, ben: User) -> None:
    theirs = away(ben, ada)
    sign_in(client, ada)
    add = reverse("admin:staff_absence_add")
    days = {"first_day": "2027-01-04", "last_day": "2027-01-08", "gives_back": "on"}
    change = reverse("admin:staff_absence_change", args=[theirs.pk])
    assert client.get(change).status_code == 200
    assert client.post(change, days | {"user": ben.pk, "substitute": ada.pk}).status_code == 403
    assert client.post(add, days | {"user": ben.pk, "substitute": ada.pk}).status_code == 200  # refused at its field
    assert client.post(add, days | {"user": ada.pk, "substitute": ben.pk}).status_code == 302
    assert set(Absence.objects.values_list("user", flat=True)) == {ada.pk, ben.pk}
    sign_in(client, make_user("Privacy officer"))
    assert client.post(change, days | {"user": ben.pk, "substitute": ada.pk}).status_code == 302


def test_a_request_is_given_back_by_whoever_has_it(client: Client, ada: User, ben: User) -> None:
    request = confirmed(to=ada)
    with pytest.raises(MoveNotAllowed, match="not yours"):
        desk.give_back(request, by=ben, now=NOW)
    sign_in(client, ada)
    act = reverse("admin:privacy_request_give_back", args=[request.pk])
    assert act in client.get(reverse("admin:privacy_request_change", args=[request.pk])).content.decode()
    client.post(act)
    assert owner(request) == (None, None)


def test_a_rule_needs_somebody_to_give_to(client: Client, ada: User) -> None:
    sign_in(client, make_user("Privacy officer"))
    add = reverse("admin:privacy_assignmentrule_add")
    fields: dict[str, Any] = {"name": "German", "position": 1, "active": "on", "languages": ["de"]}
    assert "somebody has to get them" in client.post(add, fields).content.decode()
    assert client.post(add, fields | {"colleagues": [ada.pk]}).status_code == 302
    assert AssignmentRule.objects.get().languages == ["de"]
    assert "Deutsch" in client.get(reverse("admin:privacy_assignmentrule_changelist")).content.decode()


# --- by hand ----------------------------------------------------------------------------------------------------------
def told_recipients(agent: User, monkeypatch: pytest.MonkeyPatch) -> tuple[Request, Step]:
    """A granted request whose recipients are to be told, and a mail server that is away."""
    way = (LOCATE, APPROVAL, APPLY, Spec(Step.Kind.NOTIFY), ANSWER)
    monkeypatch.setitem(definitions.DEFINITIONS, Request.Kind.COMPLAINT, way)
    request = reviewed_request("complaint")
    approvals.grant(request, by=agent, now=NOW)
    apply = request.steps.get(kind="apply")
    Step.objects.filter(pk=apply.pk).update(state="done", finished_at=NOW, result={"outcome": "granted"})
    with transaction.atomic():
        request = desk.locked(request)
        flow.start(request)
        flow.advance(request, now=NOW)
    step = request.steps.get(kind="notify")
    Step.objects.filter(pk=step.pk).update(state="parked", last_error="smtp-451")
    return request, step


def test_that_recipients_were_told_can_be_said_by_hand(
    client: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, step = told_recipients(agent, monkeypatch)
    with pytest.raises(Incomplete):
        completing.complete(step, note=" ", by=agent, now=NOW)
    with pytest.raises(NotYours):
        completing.complete(step, note="Called them.", by=make_user(AUDITOR), now=NOW)
    sign_in(client, agent)
    act = reverse("admin:privacy_step_done_by_hand", args=[step.pk])
    assert act in client.get(reverse("admin:privacy_request_change", args=[request.pk])).content.decode()
    assert client.post(act, {"note": "Called all three of them.", "outcome": "granted"}).status_code == 302
    step.refresh_from_db()
    note = request.notes.get()
    assert (step.state, step.done_by, step.result) == ("done", agent.ref, {"by_hand": True, "note": str(note.pk)})
    assert note.body == "Called all three of them."
    entry = Entry.objects.get(verb="request.step_by_hand")
    assert (entry.actor, entry.facts["kind"]) == (agent.ref, "notify")
    run_steps(timezone.now())
    request.refresh_from_db()
    assert request.state == State.CLOSED
    with pytest.raises(MoveNotAllowed):
        completing.complete(step, note="Again.", by=agent, now=NOW)


@pytest.mark.parametrize(
    ("kind", "source", "honest"),
    [
        ("notify", "", True), ("collect", "billing", True), ("apply", "billing", True), ("collect", "crm", False),
        ("locate", "", False), ("plan", "", False), ("apply", "", False), ("package", "crm", False),
        ("execute", "crm", False), ("execute", "billing", False), ("verify", "", False), ("verify", "billing", False),
        ("answer", "", False),
    ],
)  # fmt: skip
def test_nobody_says_what_only_this_system_can_know(agent: User, kind: str, source: str, honest: bool) -> None:
    request = confirmed()
    step = Step.objects.create(
        request=request, kind=kind, source=source, created_at=NOW, next_attempt_at=NOW, round=request.round
    ) if kind != "locate" else request.steps.get()  # fmt: skip
    assert completing.can_be(step) == honest
    if not honest:
        with pytest.raises(MoveNotAllowed, match="Only this system"):
            completing.complete(step, note="Did it.", by=agent, now=NOW)
        assert not request.notes.exists()
