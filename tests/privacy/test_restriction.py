"""A restriction that was granted bites at every door, and ends only when the person knows; so does an objection."""

from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Value
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.crm.errors import WrongState
from crasme.crm.models import Account, UsageEvent
from crasme.crm.services import accounts, corrections
from crasme.ledger.models import Entry
from crasme.staff.models import User
from crasme.staff.roles import AUDITOR
from privacy import tasks
from privacy.errors import Incomplete, MoveNotAllowed, NotYours
from privacy.models import Message, Recipient, Request, Restriction, Step
from privacy.services import approvals, desk, doorcheck, doors, intake, plans, restriction
from privacy.states import Outcome, State
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_events,
    make_user,
    reviewed_request,
    run_steps,
    sign_in,
    submit_request,
)
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
LATER = NOW + timedelta(minutes=1)


def reviewed(kind: str, **facts: object) -> Request:
    request = confirm_request(submit_request(kind, ADDRESS, facts=facts))
    run_steps()
    request.refresh_from_db()
    assert request.state == State.REVIEW
    return request


def granted(agent: User, kind: str = "restriction", **facts: object) -> Request:
    request = approvals.grant(reviewed(kind, **facts), ground="claims", by=agent, now=NOW)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    return request


def test_nothing_is_restricted_without_a_reason(client: Client, agent: User) -> None:
    make_account(email=ADDRESS)
    request = reviewed("restriction")
    sign_in(client, agent)
    page = reverse("admin:privacy_request_grant", args=[request.pk])
    for html in (client.get(page), client.post(page)):
        assert b"The account cannot be used from then on" in html.content
        assert b'name="ground"' in html.content
    with pytest.raises(Incomplete):
        approvals.grant(request, by=agent, now=NOW)
    client.post(page, {"ground": "unlawful"})
    request.refresh_from_db()
    assert (request.state, request.facts["ground"]) == (State.APPROVED, "unlawful")
    told = reviewed_request("restriction", "bob@customer.example")
    told.facts = {"ground": "claims"}
    assert not approvals.needs_ground(told)


def letters(now: object = LATER) -> dict[str, str]:
    """Template → text, of what goes out now."""
    before = set(Message.objects.filter(state="done").values_list("pk", flat=True))
    deliver(now)  # type: ignore[arg-type]
    sent = Message.objects.filter(state="done").exclude(pk__in=before)
    return {message.template: " ".join(str(message.body).split()) for message in sent}


# --- from the grant to the end ---------------------------------------------------------------------------------------
def test_a_restriction_is_granted_told_and_lifted_only_after_a_letter_that_arrived(agent: User) -> None:
    account = make_account(email=ADDRESS)
    Recipient.objects.filter(slug="email").update(contact_email="privacy@mailer.example")
    request = granted(agent, ground="accuracy")
    account.refresh_from_db()
    assert (account.restricted_at is not None, account.restricted_by_request) == (True, True)
    assert "we keep your data and do nothing else" in letters()["restricted"]
    found = Restriction.objects.get()
    assert (found.request, found.account, found.lifted_at) == (request, account, None)

    # The plain button on the account does not go round the person.
    with pytest.raises(WrongState, match="asked for this restriction"):
        accounts.unrestrict(account, actor=agent.ref, now=NOW)
    with pytest.raises(NotYours):
        restriction.ask_lift(request, by=make_user(AUDITOR), now=NOW)
    message = restriction.ask_lift(request, words="The address was right after all.", by=agent, now=LATER)
    with pytest.raises(MoveNotAllowed):
        restriction.ask_lift(request, by=agent, now=LATER)
    for _time in range(2):
        assert restriction.lift_told(LATER) == 0  # nobody has been told yet
    assert Account.objects.restricted().exists()
    assert "The address was right after all." in letters(LATER)["restriction-lifted"]

    Message.objects.filter(pk=message.pk).update(bounced_at=LATER)
    assert restriction.lift_told(LATER) == 0  # it came back: the person still does not know
    Message.objects.filter(pk=message.pk).update(bounced_at=None)
    tasks.sweep()
    assert restriction.lift_told(LATER) == 0
    account.refresh_from_db()
    found.refresh_from_db()
    assert (account.restricted_at, account.restricted_by_request) == (None, False)
    assert found.lifted_at is not None
    story = Entry.objects.filter(subject=request.ref).values_list("verb", flat=True)
    assert {"request.granted", "request.lifting", "request.restriction_lifted"} <= set(story)
    assert Entry.objects.filter(verb__startswith="crm.account_").count() == 2
    with pytest.raises(MoveNotAllowed):
        restriction.ask_lift(request, by=agent, now=LATER)
    # The recipient who was told to store it, and nothing else, hears of the end; of others no address is known.
    assert list(
        request.notices.order_by("created_at").filter(why_not__in=("", "over")).values_list("act", flat=True)
    ) == [
        "restrict",
        "lift",
    ]


def test_what_another_request_still_asks_for_stays_restricted(agent: User) -> None:
    account = make_account(email=ADDRESS, restricted_at=NOW)  # by a colleague, before anybody asked
    first = granted(agent)
    second = granted(agent, ground="claims")
    for request, restricted in ((first, True), (second, False)):
        restriction.ask_lift(request, by=agent, now=LATER)
        deliver(LATER)
        assert restriction.lift_told(LATER) == 1
        account.refresh_from_db()
        assert (account.restricted_at is not None) is restricted
    others = Entry.objects.filter(verb="request.restriction_lifted").values_list("facts__others", flat=True)
    assert sorted(others) == [0, 1]


def test_whoever_has_no_account_is_told_that_there_is_nothing_to_restrict(agent: User) -> None:
    granted(agent)
    assert "We hold no account under your address" in letters()["restricted"]
    assert not Restriction.objects.exists()
    make_account(email="gone@customer.example")
    refused = reviewed("restriction", ground="words")
    desk.refuse(refused, reason="not_covered", words="", by=make_user("Privacy officer"), now=NOW)
    run_steps()
    assert not Account.objects.restricted().exists()


def test_the_desk_shows_what_was_ticked_grants_and_lifts(client: Client, agent: User) -> None:
    sign_in(client, agent)
    account = make_account(email=ADDRESS)
    request = reviewed("restriction", ground="claims")
    page = reverse("admin:privacy_request_change", args=[request.pk])
    html = client.get(page).content.decode()
    assert "I need it for a legal claim" in html
    assert reverse("admin:privacy_request_grant", args=[request.pk]) in html
    assert reverse("admin:privacy_request_answer", args=[request.pk]) not in html
    client.post(reverse("admin:privacy_request_grant", args=[request.pk]))
    run_steps(timezone.now())

    theirs = client.get(reverse("admin:crm_account_change", args=[account.pk]))
    offered = {each["path"].rstrip("/").rpartition("/")[2] for each in theirs.context["actions_detail"]}
    assert offered.isdisjoint({"restrict", "unrestrict"})
    account.refresh_from_db()
    assert not corrections.open_to_staff(account)
    client.post(reverse("admin:crm_account_change", args=[account.pk]), {"full_name": "Changed", "email": ADDRESS})
    assert Account.objects.get().full_name == account.full_name

    lift = reverse("admin:privacy_request_lift", args=[request.pk])
    html = client.get(page).content.decode()
    assert lift in html
    assert "in force since" in html
    client.post(lift, {"words": ""})
    assert lift not in client.get(page).content.decode()
    later = timezone.now() + timedelta(minutes=1)
    deliver(later)
    assert restriction.lift_told(later) == 1
    assert "was lifted on" in client.get(page).content.decode()


def test_a_restricted_person_still_gets_their_own_copy_and_nobody_else_does(agent: User) -> None:
    make_account(email=ADDRESS)
    granted(agent)
    for about in ("", "Ana's account, I am her lawyer"):
        request = intake.submit(intake.Submission("access", ADDRESS, about=about), now=NOW)
        confirm_request(request)
        run_steps()
        request.refresh_from_db()
        plan = plans.current(request)
        assert plan is not None
        approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
        run_steps()
        step = request.steps.get(kind=Step.Kind.PACKAGE)
        assert (step.state, step.last_error) == (("due", "restricted") if about else ("done", ""))
        assert request.packages.exists() is not bool(about)
        desk.withdraw(request, actor="person:x", now=NOW) if request.state == State.APPROVED else None


# --- objection to analysis -------------------------------------------------------------------------------------------
def test_an_objection_that_is_granted_ends_the_analysis(agent: User, client: Client) -> None:
    account, other = make_account(email=ADDRESS), make_account()
    make_events(account, [NOW])
    make_events(other, [NOW])
    granted(agent, "objection", purpose="improvement")
    assert "nothing is recorded of how you use the product" in letters()["objection-granted"]
    assert [event.account for event in UsageEvent.objects.analysable()] == [other]
    assert list(Account.objects.analysable()) == [other]
    account.refresh_from_db()
    assert Account.objects.usable().count() == 2  # the product goes on
    assert Account.objects.with_standing().get(pk=account.pk).standing == "objected"  # type: ignore[attr-defined]

    sign_in(client, agent)
    client.post(reverse("admin:crm_account_resume_analysis", args=[account.pk]))
    account.refresh_from_db()
    assert account.analytics_objected_at is None
    verbs = Entry.objects.filter(verb__startswith="crm.analysis").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["crm.analysis_stopped", "crm.analysis_resumed"]


@pytest.mark.parametrize("facts", [{"purpose": "other"}, {}])
def test_an_objection_to_another_use_is_decided_and_answered_by_a_person(agent: User, facts: dict[str, str]) -> None:
    request = reviewed("objection", **facts)
    with pytest.raises(MoveNotAllowed):
        approvals.grant(request, by=agent, now=NOW)
    desk.answer(request, outcome="granted", words="We took you off the list of references.", by=agent, now=NOW)
    run_steps()
    assert "list of references" in letters()["answered"]


# --- the self-test ---------------------------------------------------------------------------------------------------
def test_every_door_is_shut_to_the_restricted_and_open_to_the_others() -> None:
    before = {model: model._base_manager.count() for model in (Account, UsageEvent, Restriction, Entry)}
    tried = {each.door: each for each in doorcheck.check(timezone.now())}
    assert [each.door for each in tried.values() if not each.is_shut] == []
    assert len(tried) == 22
    assert {f"the purge by the rule “{slug}”" for slug in ("account-closed", "usage", "billing", "consent")} <= set(
        tried
    )
    assert {model: model._base_manager.count() for model in before} == before


@pytest.mark.parametrize(
    ("door", "broken"),
    [
        ("new usage events", "crasme.crm.models.accounts.AccountQuerySet.with_standing"),
        ("a copy for somebody else", "privacy.services.restriction.refuse_others"),
        ("changes in the back office", "crasme.crm.services.corrections.open_to_staff"),
    ],
)
def test_a_door_that_was_left_open_is_found_and_fails_the_command(door: str, broken: str) -> None:
    def open_to_all(self: object) -> object:
        return Account.objects.all().annotate(standing=Value("usable"))

    replacement = {"with_standing": open_to_all, "refuse_others": lambda request: None}.get(
        broken.rpartition(".")[2], lambda account: True
    )
    said = StringIO()
    with mock.patch(broken, replacement), transaction.atomic(), pytest.raises(CommandError, match="does not hold"):
        call_command("requests", "restriction-selftest", stdout=said)
    wrong = [line for line in said.getvalue().splitlines() if not line.startswith("refused")]
    assert wrong == [f"OPEN      {door}"]


def test_a_try_that_stops_everybody_proves_nothing() -> None:
    said = StringIO()
    shut = doors.Door("a wall", lambda specimen: False)
    with mock.patch.object(doorcheck, "doors", return_value=[shut]), pytest.raises(CommandError):
        call_command("requests", "restriction-selftest", stdout=said)
    assert said.getvalue() == "unproven  a wall\n"
