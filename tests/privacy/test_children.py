"""A child's account: reported by anybody, decided by officers within five days, told to nobody but a parent."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.crm.models import Account, Device
from crasme.ledger.models import Entry
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER
from privacy import promises, throttle
from privacy.admin.buttons import fitting
from privacy.clock.rules import CHILD_DAYS
from privacy.errors import Incomplete, MoveNotAllowed, NotYours
from privacy.mailroom import replies
from privacy.mailroom.files import File
from privacy.models import ChildReport, Package, Person, Recipient, Request
from privacy.packages.build import Built
from privacy.promises import Status
from privacy.services import (
    approvals,
    children,
    confirmation,
    desk,
    emptying,
    intake,
    plans,
    sweeping,
    timing,
    verification,
)
from privacy.services.intake import Submission
from privacy.states import Outcome, State
from privacy.steps.child import addresses_in
from privacy.views.letters import of as letters_of
from retention import residue
from tests.builders import NOW, make_account, make_device, make_user, run_steps, sign_in
from tests.privacy.mails import deliver, read_all

pytestmark = pytest.mark.django_db
CHILD, REPORTER = "timmy@customer.example", "teacher@school.example"
FORM, SENT = reverse("request-child"), reverse("request-child-sent")
ANSWERS = {"about": CHILD, "relation": "other", "details": "", "email": "", "leave_empty": ""}


@pytest.fixture
def second(db: None) -> User:
    return make_user(PRIVACY_OFFICER)


def reported(about: str = CHILD, *, email: str = REPORTER, relation: str = "teacher", **facts: Any) -> Request:
    """A report that officers can decide about."""
    asked = Submission(
        "child", email, about=about, details=f"{about} is in my class.", facts={"relation": relation, **facts}
    )
    request = intake.submit(asked, now=NOW)
    run_steps()
    return Request.objects.get(pk=request.pk)


def report_of(request: Request) -> ChildReport:
    return ChildReport.objects.get(request=request)


def erase(request: Request, one: User, two: User) -> Request:
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=one, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=two, now=NOW)
    run_steps()
    return Request.objects.get(pk=request.pk)


# --- reporting -------------------------------------------------------------------------------------------------------
def test_anybody_reports_and_learns_nothing(client: Client, officer: User) -> None:
    make_account(email=CHILD)
    pages = []
    with time_machine.travel(timezone.now(), tick=False):  # the pages' own address bears the second of the report
        for about in (CHILD, "nobody@elsewhere.example"):
            answer = Client().post(FORM, ANSWERS | {"about": about}, follow=True)
            ((path, status),) = answer.redirect_chain
            pages.append((path, status, answer.content))
    assert pages[0] == pages[1]
    assert (pages[0][0].partition("?")[0], pages[0][1]) == (SENT, 302)
    for page in (pages[0][2], client.get(FORM).content):  # both promise the same
        assert f"its data is deleted within {CHILD_DAYS} days of your report" in page.decode()
    known, unknown = Request.objects.order_by("pk")
    for request in (known, unknown):
        assert (request.state, request.kind, request.without_proof) == (State.CONFIRMED, "child", True)
        assert (request.promise_due - request.received_on).days == 5
        assert request.effective_due == request.promise_due
        assert (request.assignee, request.person.email, request.person.masked) == (officer, "", "(none given)")
        assert [each.template for each in request.messages.all()] == ["child-reported"]
        assert report_of(request).account is None  # nothing is looked up while somebody waits for the page
    assert known.person != unknown.person
    told = deliver(timezone.now() + timedelta(seconds=1))
    assert {each["To"] for each in told} == {officer.email}
    assert CHILD not in "".join(str(each) for each in told)
    assert reverse("request-child") in client.get("/").content.decode()
    assert reverse("request-child") in client.get(reverse("request-new")).content.decode()
    assert reverse("request-child") in client.get(reverse("policy")).content.decode()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"about": ""}, "Say what you know about the account"),
        ({"about": "a\x00b"}, "Null characters"),
        ({"about": "4111 1111 1111 1111"}, "payment card number"),
        ({"details": "4111 1111 1111 1111"}, "payment card number"),
        ({"relation": ""}, "Choose what fits best"),
        ({"relation": "spy"}, "not one of the available choices"),
        ({"email": "a@@b"}, "should look like name@example.com"),
        ({"copy": "on", "relation": "parent"}, "For a copy we need an address"),
        ({"copy": "on", "email": REPORTER}, "A copy is for the parent or guardian"),
        ({"leave_empty": "x"}, "recognise programs"),
    ],
)
def test_what_is_wrong_with_a_report_is_said_at_its_field(client: Client, answers: dict[str, str], words: str) -> None:
    answer = client.post(FORM, ANSWERS | answers)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Request.objects.exists()


def test_reports_are_limited_by_network(client: Client) -> None:
    for _ in range(throttle.ASK_PLAIN_NETWORK.times):
        throttle.ASK_PLAIN_NETWORK.hit("127.0.0.0/24", now=timezone.now())
    assert client.post(FORM, ANSWERS).status_code == 429
    assert not Request.objects.exists()


def test_only_a_report_may_come_from_nobody_or_go_on_without_a_proof() -> None:
    with pytest.raises(ValueError, match="from nobody"):
        intake.submit(Submission("access", ""), now=NOW)
    other = intake.submit(Submission("access", REPORTER), now=NOW)
    with pytest.raises(IntegrityError, match="unproven_is_harmless"), transaction.atomic():
        Request.objects.filter(pk=other.pk).update(without_proof=True)


def test_one_person_reports_two_children_and_asks_for_something_besides() -> None:
    first, second = reported(), reported("tina@customer.example")
    assert (first.person, second.duplicate_of) == (second.person, None)
    report, lead = intake.submit_many(
        [Submission("child", REPORTER, about=CHILD), Submission("access", REPORTER)], now=NOW
    )
    assert (lead.kind, report.kind, report.lead) == ("access", "child", lead)
    assert (lead.state, report.state) == (State.RECEIVED, State.CONFIRMED)
    confirmation.confirm_by_link(verification.issue(lead, now=NOW).token, now=NOW)
    report.refresh_from_db()
    assert not report.without_proof


# --- finding the account ---------------------------------------------------------------------------------------------
def test_the_reported_account_is_found_and_never_the_reporters_own(officer: User) -> None:
    own, child = make_account(email=REPORTER), make_account(email=CHILD)
    assert report_of(reported(f"My own is {REPORTER}, the child's <{CHILD.upper()}>.")).account == child
    assert report_of(reported("A boy in my class, Timmy.")).account is None
    two = reported(f"{CHILD} or {own.email}", email="")
    assert report_of(two).account is None  # one of two people: not for software to choose
    assert list(addresses_in("write to (a.b@x.example), or c@y.example.")) == ["a.b@x.example", "c@y.example"]

    with pytest.raises(Incomplete, match="No account"):
        children.name_account(two, address="nobody@x.example", by=officer, now=NOW)
    children.name_account(two, address=CHILD, by=officer, now=NOW)
    run_steps()
    two.refresh_from_db()
    assert (two.state, two.round, report_of(two).account) == (State.REVIEW, 2, child)
    plan = plans.current(two)
    assert plan is not None
    assert plan.found_something


def test_officers_decide_and_agents_look(agent: User, officer: User, client: Client) -> None:
    account = make_account(email=CHILD)
    request = reported()
    plan = plans.current(request)
    assert plan is not None
    acts: list[Any] = [
        lambda: approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW),
        lambda: children.restrict_at_once(request, by=agent, now=NOW),
        lambda: children.name_account(request, address=CHILD, by=agent, now=NOW),
        lambda: children.settle(request, words="", by=agent, now=NOW),
        lambda: desk.assign(request, to=agent, by=officer, now=NOW),
    ]
    for act in acts:
        with pytest.raises(NotYours):
            act()
    assert fitting(request, agent) == {"note", "look_again"}
    assert {"restrict_account", "propose", "settle", "name_account"} <= fitting(request, officer)

    sign_in(client, officer)
    page = reverse("admin:privacy_request_change", args=[request.pk])
    assert CHILD in client.get(page).content.decode()
    own = make_account(email=REPORTER)
    Person.objects.filter(pk=request.person_id).update(account=own)
    assert reverse("admin:crm_account_change", args=[own.pk]) in client.get(page).content.decode()
    client.post(reverse("admin:privacy_request_restrict_account", args=[request.pk]))
    account.refresh_from_db()
    assert account.restricted_at is not None
    assert "restrict_account" not in fitting(Request.objects.get(pk=request.pk), officer)
    assert Entry.objects.filter(verb="request.child_restricted", subject=request.ref).exists()


# --- the erasure, and what is left of it -----------------------------------------------------------------------------
def test_the_childs_data_goes_and_the_evidence_is_free_of_it(officer: User, second: User) -> None:
    child = make_account(email=CHILD, full_name="Timmy Young")
    make_device(child)
    reporters = make_account(email=REPORTER)
    Recipient.objects.filter(slug="hosting").update(contact_email="dpo@host.example")
    request = reported()
    children.restrict_at_once(request, by=officer, now=NOW)
    desk.add_note(request, body=f"Spoke to the school about {CHILD}.", by=officer, now=NOW)

    request = erase(request, officer, second)

    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    child.refresh_from_db()
    reporters.refresh_from_db()
    assert (child.status, child.email, Device.objects.count()) == (Account.Status.ERASED, "", 0)
    assert (reporters.status, reporters.email) == (Account.Status.ACTIVE, REPORTER)
    assert Entry.objects.filter(verb="request.certified", subject=request.ref).exists()
    assert (request.about, request.details) == (None, None)
    assert request.notes.get().body is None

    assert report_of(request).address == CHILD  # a provider is still to be told whose data goes
    letters = deliver(NOW + timedelta(minutes=1))
    (notice,) = [each for each in letters if each["To"] == "dpo@host.example"]
    assert CHILD in str(notice)
    (answer,) = [each for each in letters if "looked at your report" in str(each["Subject"])]
    assert answer["To"] == REPORTER
    assert "the same in every case" in str(answer)
    assert "deleted what we held" not in str(answer)
    assert emptying.empty_rest(NOW + timedelta(minutes=2)) == 4
    assert (report_of(request).address, report_of(request).account) == (None, None)
    assert all((each.subject, each.body, each.written) == (None, None, None) for each in request.messages.all())
    assert letters_of(request) == []  # no page shows letters without their words
    assert residue.search([CHILD, "Timmy Young"], kept=True) == []
    assert not Entry.objects.filter(facts__icontains="timmy").exists()
    # Nobody ever proved the reporter's mailbox, so it is forgotten some time after the letter.
    assert sweeping.forget_people(NOW + timedelta(days=13)) == 0
    assert sweeping.forget_people(NOW + timedelta(days=15)) == 1
    request.person.refresh_from_db()
    assert request.person.email == ""
    with pytest.raises(MoveNotAllowed):
        desk.reopen(request, by=officer, now=NOW)


def test_what_comes_in_after_the_end_is_read_and_then_emptied_with_its_file(officer: User, second: User) -> None:
    make_account(email=CHILD)
    request = erase(reported(), officer, second)
    file = File("Timmy Young.txt", b"Timmy Young is eleven.")
    message = replies.reply(request, text="Was Timmy's account deleted?", file=file, now=NOW)
    desk.add_note(request, body="Timmy's teacher wrote again.", by=officer, now=NOW)

    emptying.empty_rest(NOW + timedelta(minutes=2))
    message.refresh_from_db()
    assert message.body is not None  # nobody has read it yet
    read_all(request, by=officer)
    emptying.empty_rest(NOW + timedelta(minutes=3))
    message.refresh_from_db()
    kept = message.attachments.get()
    assert (message.body, kept.content, kept.their_name) == (None, None, None)
    assert request.notes.filter(body__isnull=False).exists()
    emptying.empty_rest(NOW + timedelta(days=31))
    assert not request.notes.filter(body__isnull=False).exists()


def test_whoever_is_erased_by_a_report_is_forgotten_among_those_who_asked(officer: User, second: User) -> None:
    make_account(email=CHILD)
    own = confirmation.proven(intake.submit(Submission("complaint", CHILD), now=NOW), by="link", now=NOW)
    run_steps()
    desk.answer(Request.objects.get(pk=own.pk), outcome="granted", words="Seen.", by=officer, now=NOW)
    run_steps()
    erase(reported(), officer, second)
    deliver(NOW + timedelta(minutes=1))
    assert sweeping.forget_people(NOW + timedelta(minutes=2)) == 1
    own.person.refresh_from_db()
    assert own.person.email == ""
    assert Person.objects.get(email=REPORTER)


def test_the_reporter_sees_the_same_whatever_comes_of_it(client: Client, officer: User, second: User) -> None:
    make_account(email=CHILD)
    seen = []
    for about in (CHILD, "nobody@elsewhere.example"):
        request = reported(about)
        deliver(NOW)
        visitor = Client()
        token = verification.issue(request, now=timezone.now()).token
        page = visitor.post(reverse("request-confirm", args=[token]), follow=True)
        seen.append(page.content.decode().replace(request.reference, "…"))
        if about == CHILD:
            erase(request, officer, second)
        else:
            desk.refuse(request, reason="not_covered", words="", by=officer, now=NOW)
            run_steps()
        again = visitor.get(reverse("request-status", args=[request.reference])).content.decode()
        seen.append(again.replace(request.reference, "…"))
        letter = deliver(NOW + timedelta(minutes=1))[-1]
        seen.append(str(letter.get_payload(0)).replace(request.reference, "…"))  # type: ignore[arg-type]
    for known, unknown in zip(seen[:3], seen[3:], strict=True):  # the open page, the closed one, the letter
        assert _plain(known) == _plain(unknown)
    assert "Take the request back" not in seen[0]


def _plain(html: str) -> list[str]:
    return [line for line in html.splitlines() if "csrfmiddlewaretoken" not in line and "<time" not in line]


def test_a_letter_to_a_reporter_has_no_words_of_ours_and_a_report_cannot_be_taken_back(officer: User) -> None:
    request = reported()
    confirmation.confirm_by_link(verification.issue(request, now=NOW).token, now=NOW)
    request = timing.set_law(Request.objects.get(pk=request.pk), regime="uk", by=officer, now=NOW)
    for act in (
        lambda: timing.ask(request, about="what", words="Which account?", by=officer, now=NOW),
        lambda: timing.extend(request, reason="complex", words="There are two.", by=officer, now=NOW),
        lambda: desk.refuse(request, reason="unfounded", words="There is no such account.", by=officer, now=NOW),
        lambda: children.settle(request, words="There is no such account.", by=officer, now=NOW),
    ):
        with pytest.raises(Incomplete, match="same letter in every case"):
            act()
    with pytest.raises(MoveNotAllowed, match="cannot be taken back"):
        desk.withdraw(request, actor="person:1", now=NOW)
    assert fitting(request, officer) >= {"settle", "name_account"}
    assert fitting(request, officer).isdisjoint({"ask", "extend", "write"})
    assert "propose" not in fitting(request, officer)  # there is no account to erase
    children.settle(request, words="", by=officer, now=NOW)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)


# --- parents ---------------------------------------------------------------------------------------------------------
def test_a_parent_proves_the_mailbox_is_believed_and_is_told(officer: User, second: User) -> None:
    make_account(email=CHILD, full_name="Timmy Young")
    request = reported(email="mum@family.example", relation="parent", copy=True)
    with pytest.raises(Incomplete, match="Nobody has proven the mailbox"):
        children.judge_parent(request, believed=True, words="Called the school.", by=officer, now=NOW)
    confirmation.confirm_by_link(verification.issue(request, now=NOW).token, now=NOW)
    request.refresh_from_db()
    assert not request.without_proof
    with pytest.raises(Incomplete, match="how you came to"):
        children.judge_parent(request, believed=True, words=" ", by=officer, now=NOW)
    children.judge_parent(request, believed=True, words="Called the school.", by=officer, now=NOW)
    assert "Called the school." in (request.notes.get().body or "")
    # Asked, they are no more the person than before: a law that stops the clock for a question stops no child's.
    request = timing.set_law(Request.objects.get(pk=request.pk), regime="uk", by=officer, now=NOW)
    timing.ask(request, about="what", words="Is it one account?", by=officer, now=NOW)
    assert "Is it one account?" in str(deliver(NOW)[-1])
    assert not request.clock_events.filter(kind="paused").exists()

    request = erase(Request.objects.get(pk=request.pk), officer, second)
    package = Package.objects.get(request=request)
    assert package.rows["crm.Account"] == 1
    assert package.key is not None  # made before the data went, and not destroyed with it
    letter = str(deliver(NOW + timedelta(minutes=1))[-1])
    assert "We have deleted what we held about the child" in letter
    assert "can be fetched there until" in letter
    assert "/requests/confirm/" in letter
    assert sweeping.forget_people(NOW + timedelta(days=20)) == 0  # who proved the mailbox is no stranger


def test_a_parent_who_is_not_believed_gets_neither_copy_nor_word(
    officer: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **kwargs: object) -> Built:
        raise AssertionError("a copy was made")

    monkeypatch.setattr("privacy.steps.package.build", never)
    make_account(email=CHILD)
    request = reported(email="mum@family.example", relation="parent", copy=True)
    confirmation.confirm_by_link(verification.issue(request, now=NOW).token, now=NOW)
    children.judge_parent(request, believed=False, words="The school knows no such parent.", by=officer, now=NOW)
    request = erase(Request.objects.get(pk=request.pk), officer, second)
    assert (request.state, Package.objects.count()) == (State.CLOSED, 0)
    assert request.messages.filter(template="child-answered").exists()
    assert not request.messages.filter(template="child-told").exists()
    stranger = reported("tina@customer.example", email="dad@family.example")
    with pytest.raises(MoveNotAllowed, match="Nobody says"):
        children.judge_parent(stranger, believed=True, words="x", by=officer, now=NOW)


# --- the board -------------------------------------------------------------------------------------------------------
def test_the_board_measures_the_promises_about_children(officer: User, second: User) -> None:
    def status(number: str, days: int = 0) -> Status:
        (found,) = promises.board(NOW + timedelta(days=days), [number])
        return found.status

    assert [status(number) for number in ("P9.1", "P9.2", "P9.3")] == [Status.KEPT] * 3
    make_account(email=CHILD)
    request = reported()
    assert status("P9.1") is Status.AT_RISK
    assert [status("P9.2", days) for days in (0, 3, 5, 6)] == [
        Status.KEPT, Status.AT_RISK, Status.AT_RISK, Status.BROKEN,
    ]  # fmt: skip
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    assert status("P9.1") is Status.BROKEN  # we know, and go on using the data
    children.restrict_at_once(request, by=officer, now=NOW)
    assert status("P9.1") is Status.KEPT
    approvals.approve_erasure(request, plan_hash=plan.hash, by=second, now=NOW)
    run_steps()
    (found,) = promises.board(NOW + timedelta(days=1), ["P9.2"])
    assert (found.status, found.figures["deleted"], found.figures["answered_late"]) == (Status.KEPT, 1, 0)
