"""A person who is in a customer's contacts: passed on to whom it belongs, followed up, and told who decides."""

from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from crasme.crm.models import Account, Contact, Organisation
from crasme.kit.claims import WorkState, claim
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.admin.buttons import fitting
from privacy.errors import LinkSpent, MoveNotAllowed, NotYours
from privacy.models import Message, Person, Referral, Request
from privacy.services import approvals, desk, plans, referrals, sweeping
from privacy.states import Outcome, State
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_contact,
    make_organisation,
    make_user,
    reviewed_request,
    run_steps,
    sign_in,
    submit_request,
)
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS, OWNER = "ada@elsewhere.example", "boss@acme.example"
DAY = timedelta(days=1)


def customer(name: str = "Acme", owner: str = OWNER, **fields: object) -> Organisation:
    """A customer whose member has written down the person."""
    organisation = make_organisation(name=name)
    make_account(organisation=organisation, email=owner, role=Account.Role.OWNER, language="de", **fields)
    make_contact(make_account(organisation=organisation), email=ADDRESS)
    return organisation


def passed_on(agent: User, kind: str = "access") -> tuple[Request, Referral]:
    customer()
    request = reviewed_request(kind, ADDRESS)
    (referral,) = referrals.pass_on(request, by=agent, now=NOW)
    run_steps()
    request.refresh_from_db()
    return request, referral


def page_of(referral: Referral) -> str:
    return reverse("referral", args=[referrals.token_of(referral)])


def test_customers_are_found_by_the_proven_address_and_counted_anew(agent: User) -> None:
    acme = customer()
    make_contact(acme.accounts.first(), email=ADDRESS.upper())
    make_contact(make_account(email="x@other.example"), email="ida@elsewhere.example")
    request = reviewed_request("access", ADDRESS)
    (found,) = request.referrals.all()
    assert (found.organisation, found.contacts, found.sent_at) == (acme, 2, None)
    assert not Referral.objects.filter(request=reviewed_request("access", "nobody@elsewhere.example")).exists()
    with pytest.raises(IntegrityError, match="referral_once"), transaction.atomic():
        Referral.objects.create(request=request, organisation=acme, contacts=1, found_at=NOW)
    with pytest.raises(IntegrityError, match="sent_with_clock"), transaction.atomic():
        Referral.objects.update(sent_at=NOW)
    # What the customer has deleted by the next look is not passed on any more.
    Contact.objects.filter(email=ADDRESS).delete()
    desk.look_again(request, by=agent, now=NOW)
    run_steps()
    assert not request.referrals.exists()


def test_where_nothing_else_is_held_passing_it_on_is_the_answer(agent: User) -> None:
    request, referral = passed_on(agent)
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.PARTLY)
    assert (referral.due_on, referral.contacts) == (date(2026, 12, 2), 1)
    to_customer, to_person = None, None
    for letter in deliver(NOW + timedelta(minutes=1)):
        if letter["To"] == OWNER:
            to_customer = letter
        elif "Who decides" in str(letter["Subject"]):
            to_person = letter
    assert to_customer is not None
    assert to_person is not None
    text = str(to_customer)
    assert ADDRESS not in text  # whose data it is stands on the page alone
    assert "Acme" in text
    assert page_of(referral) in text
    assert to_customer["Content-Language"] == "de"
    kept = Message.objects.get(template="referral")
    assert "[link]" in (kept.body or "") or "[Link]" in (kept.body or "")
    assert page_of(referral) not in (kept.body or "")
    words = str(to_person)
    assert "We ourselves hold nothing about you" in words
    assert "Acme: passed on, on 22 Nov 2026; we asked them to act by 2 Dec 2026" in words
    assert request.messages.filter(template__in=("package-ready", "nothing-found")).count() == 0
    entry = Entry.objects.get(verb="request.referred")
    assert "acme" not in str(entry.facts).lower()


def test_where_an_account_exists_besides_the_request_goes_on(agent: User) -> None:
    customer()
    make_account(email=ADDRESS)
    request = reviewed_request("access", ADDRESS)
    assert "pass_on" in fitting(request, agent)
    referrals.pass_on(request, by=agent, now=NOW)
    request.refresh_from_db()
    assert request.state == State.REVIEW
    assert "pass_on" not in fitting(request, agent)
    plan = plans.current(request)
    assert plan is not None
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps()
    words = "".join(str(each) for each in deliver(NOW + timedelta(minutes=1)) if each["To"] == ADDRESS)
    assert "Your request to us goes its way" in words
    assert words.count("* Acme: passed on") == 2  # in the mail of its own, and in the answer


def test_who_may_not_be_written_to_is_not(agent: User) -> None:
    customer("Restricted", "r@a.example", restricted_at=NOW)
    customer("Closed", "c@b.example", closed_at=NOW)
    customer("Own", ADDRESS)  # the person themselves
    request = reviewed_request("complaint", ADDRESS)
    assert referrals.pass_on(request, by=agent, now=NOW) == []
    assert set(request.referrals.values_list("unreachable", "sent_at")) == {(True, None)}
    assert not Message.objects.filter(addressee="customer").exists()
    # An administrator will do, and what could not be sent then is sent now.
    closed = request.referrals.get(organisation__name="Closed")
    make_account(organisation=closed.organisation, email="admin@b.example", role=Account.Role.ADMIN)
    assert referrals.pass_on(request, by=agent, now=NOW) == [closed]
    (letter,) = [each for each in deliver(NOW) if each["To"] == "admin@b.example"]
    assert letter
    Account.objects.filter(email="admin@b.example").update(restricted_at=NOW)
    referrals.remind(NOW + 6 * DAY)
    deliver(NOW + 6 * DAY)
    assert Message.objects.get(template="referral-reminder").state == "cancelled"


def test_nothing_is_passed_on_unproven_twice_or_by_others(agent: User) -> None:
    customer()
    unproven = submit_request("access", ADDRESS)
    with pytest.raises(MoveNotAllowed):
        referrals.pass_on(unproven, by=agent, now=NOW)
    request = confirm_request(unproven)
    run_steps()
    with pytest.raises(NotYours):
        referrals.pass_on(request, by=make_user("Auditor"), now=NOW)
    referrals.pass_on(request, by=agent, now=NOW)
    with pytest.raises(MoveNotAllowed):
        referrals.pass_on(request, by=agent, now=NOW)


def test_customers_are_reminded_three_times_and_then_given_up(agent: User) -> None:
    _request, referral = passed_on(agent)
    assert [referrals.remind(NOW + days * DAY) for days in (4, 5, 5, 9, 10, 20, 29)] == [0, 1, 0, 0, 1, 1, 0]
    deliver(NOW + 21 * DAY)
    assert sum("Acme" in str(each.body) and each.to == [OWNER] for each in mail.outbox) == 4
    assert Referral.objects.overdue(date(2026, 12, 2)).count() == 0
    assert Referral.objects.overdue(date(2026, 12, 3)).count() == 1
    assert [referrals.give_up(NOW + days * DAY) for days in (29, 30, 31)] == [0, 1, 0]
    referral.refresh_from_db()
    assert (referral.outcome, referral.acknowledged_at) == ("unanswered", None)


def test_what_is_taken_back_reminds_nobody_and_who_was_told_is_told_that_too(agent: User, client: Client) -> None:
    customer()
    make_account(email=ADDRESS)  # something is held besides, so the request goes on
    request = reviewed_request("deletion", ADDRESS)
    (referral,) = referrals.pass_on(request, by=agent, now=NOW)
    deliver(NOW + DAY)
    later = customer("Bolt", "boss@bolt.example")
    desk.look_again(request, by=agent, now=NOW)
    run_steps(NOW + DAY)
    (unsent,) = referrals.pass_on(request, by=agent, now=NOW + DAY)
    assert unsent.organisation == later

    desk.withdraw(request, actor="person:1", now=NOW + 2 * DAY)

    customers = {OWNER, "boss@bolt.example"}
    sent = [each for each in deliver(NOW + 3 * DAY) if each["To"] in customers]
    assert [each["To"] for each in sent] == [OWNER]
    assert Message.objects.get(template="referral-taken-back").referral == referral
    assert ADDRESS not in str(sent)
    assert {(each.outcome, each.is_open) for each in Referral.objects.all()} == {("taken_back", False)}
    assert [referrals.remind(NOW + days * DAY) for days in (5, 10, 20)] == [0, 0, 0]
    assert ADDRESS not in client.get(page_of(referral)).content.decode()
    request.refresh_from_db()
    assert "pass_on" not in fitting(request, agent)
    with pytest.raises(MoveNotAllowed, match="taken the request back"):
        referrals.pass_on(request, by=agent, now=NOW)

    # Wanted after all: both customers can be asked anew.
    desk.reopen(request, by=agent, now=NOW + 4 * DAY)
    run_steps(NOW + 4 * DAY)
    assert len(referrals.pass_on(request, by=agent, now=NOW + 4 * DAY)) == 2
    assert {each["To"] for each in deliver(NOW + 5 * DAY)} >= customers
    assert [referrals.remind(NOW + days * DAY) for days in (8, 9)] == [0, 2]


def test_a_customer_whose_letter_is_on_its_way_learns_that_the_wish_was_taken_back(agent: User) -> None:
    customer()
    make_account(email=ADDRESS)
    request = reviewed_request("deletion", ADDRESS)
    referrals.pass_on(request, by=agent, now=NOW)
    letter = Message.objects.get(template="referral")
    assert claim(Message, letter.pk, now=NOW, lease=timedelta(minutes=5)) is not None
    desk.withdraw(request, actor="person:1", now=NOW)
    letter.refresh_from_db()
    assert letter.state == WorkState.CANCELLED
    assert [str(each["Subject"]) for each in deliver(NOW) if each["To"] == OWNER] != []
    assert Message.objects.get(template="referral-taken-back").state == WorkState.DONE


def test_after_an_outage_one_reminder_makes_up_for_those_missed(agent: User) -> None:
    _request, referral = passed_on(agent)
    assert [referrals.remind(NOW + days * DAY) for days in (11, 11, 20)] == [1, 0, 1]
    referral.refresh_from_db()
    assert referral.reminders == 3


def test_the_customers_page_is_inert_shows_whom_and_takes_the_answer(client: Client, agent: User) -> None:
    _request, referral = passed_on(agent)
    page = page_of(referral)
    shown = client.get(page)
    text = shown.content.decode()
    assert ADDRESS in text
    assert "a copy of their data" in text
    assert "no-store" in shown["Cache-Control"]
    assert shown["X-Robots-Tag"] == "noindex"
    assert Referral.objects.get().acknowledged_at is None  # looking changes nothing
    assert client.post(page, {"answer": "everything"}).status_code == 422
    assert client.post(page, {"answer": "will_do"}).status_code == 302
    referral.refresh_from_db()
    assert (referral.outcome, referral.closed_at) == ("will_do", None)
    assert client.post(page, {"answer": "done"}).status_code == 302
    referral.refresh_from_db()
    assert referral.outcome == "done"
    assert referral.closed_at is not None
    closed = client.get(page).content.decode()
    assert ADDRESS not in closed
    assert client.post(page, {"answer": "not_ours"}).status_code == 409
    assert client.get(reverse("referral", args=["0" * 64])).status_code == 410
    with pytest.raises(LinkSpent):
        referrals.look("a\x00b")
    assert referrals.remind(NOW + 6 * DAY) == 0


def test_an_erased_person_is_forgotten_only_when_the_customer_has_seen_whom_it_is_about(
    agent: User, officer: User
) -> None:
    customer()
    make_account(email=ADDRESS)
    request = reviewed_request("deletion", ADDRESS)
    referrals.pass_on(request, by=agent, now=NOW)
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=1))
    assert sweeping.forget_people(NOW + DAY) == 0
    referrals.acknowledge(request.referrals.get(), answer="done", now=NOW + DAY)
    assert sweeping.forget_people(NOW + DAY) == 1
    assert Person.objects.get(pk=request.person_id).email == ""


def test_the_desk_passes_on_settles_and_counts(client: Client, agent: User) -> None:
    customer()
    request = reviewed_request("access", ADDRESS)
    sign_in(client, agent)
    page = reverse("admin:privacy_request_change", args=[request.pk])
    assert "Acme" in client.get(page).content.decode()
    client.post(reverse("admin:privacy_request_pass_on", args=[request.pk]))
    referral = Referral.objects.get()
    assert referral.sent_at is not None
    Referral.objects.update(due_on=date(2026, 1, 1))
    figures = client.get(reverse("admin:privacy_referral_changelist"))
    assert figures.context_data["figures"] == {"late": 1, "waiting": 0, "mute": 0, "found": 0}
    assert "overdue" in client.get(page).content.decode()
    late = client.get(reverse("admin:privacy_referral_changelist"), {"standing": "late"})
    assert late.context_data["cl"].result_count == 1
    client.post(reverse("admin:privacy_referral_settle", args=[referral.pk]), {"answer": "not_ours"})
    referral.refresh_from_db()
    assert (referral.outcome, referral.settled_by) == ("not_ours", agent)


def test_a_customer_whose_language_we_do_not_write_gets_that_of_the_request(agent: User) -> None:
    customer()
    Account.objects.filter(email=OWNER).update(language="zh")
    referrals.pass_on(reviewed_request("access", ADDRESS), by=agent, now=NOW)
    assert Message.objects.get(template="referral").language == "en"
