"""A deletion request from the form to a person who is told, and then forgotten."""

import html
import re
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from crasme.crm.models import Account, Device, Invoice, UsageEvent
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.errors import MoveNotAllowed, NotYours
from privacy.models import Person, Plan, Request, Step
from privacy.packages import files
from privacy.services import approvals, packages, people, plans, sweeping
from privacy.states import Outcome, State
from privacy.views import proof
from retention import residue
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_contact,
    make_device,
    make_events,
    make_invoice,
    reviewed_request,
    run_steps,
    submit_request,
)
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


def proposed(agent: User) -> tuple[Request, Plan]:
    request = reviewed_request("deletion", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    return request, plan


def erased(agent: User, officer: User) -> Request:
    request, plan = proposed(agent)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps()
    request.refresh_from_db()
    return request


def test_what_may_go_is_gone_and_what_must_stay_is_named(agent: User, officer: User) -> None:
    account = make_account(email=ADDRESS, full_name="Ana Nováková")
    make_device(account)
    make_events(account, [NOW - timedelta(days=40), NOW - timedelta(days=1)])
    make_invoice(account, issued_on=date(2026, 3, 1))
    other = make_account(email="other@customer.example")
    make_device(other)

    request = erased(agent, officer)

    assert (request.state, request.outcome) == (State.CLOSED, Outcome.PARTLY)
    account.refresh_from_db()
    assert (account.status, account.email, account.full_name) == (Account.Status.ERASED, "", "")
    assert Device.objects.get().account == other
    assert not UsageEvent.objects.exists()
    invoice = Invoice.objects.get()
    assert (invoice.billed_name, invoice.billed_email) == ("Ana Nováková", "")
    kept = {line.title: line for line in plans.kept_of(plans.current(request))}
    assert kept["Invoices"].until == date(2033, 3, 1)
    assert "Tax" in kept["Invoices"].reason
    assert kept["Accounts"].bare
    assert not kept["Invoices"].bare


def test_two_people_are_needed_and_they_are_two(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    request = reviewed_request("deletion", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    with pytest.raises(MoveNotAllowed):
        approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    with pytest.raises(NotYours):
        approvals.approve_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.propose_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    with pytest.raises(NotYours, match="proposed this erasure yourself"):
        approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    with pytest.raises(IntegrityError, match="privacy_plan_four_eyes"), transaction.atomic():
        Plan.objects.filter(pk=plan.pk).update(requested_by=officer, approved_by=officer, approved_at=NOW)
    assert Account.objects.filter(email=ADDRESS).exists()


def test_data_that_changed_after_the_approval_is_looked_at_again(agent: User, officer: User) -> None:
    account = make_account(email=ADDRESS)
    request, plan = proposed(agent)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    make_device(account)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.round) == (State.REVIEW, 2)
    assert Device.objects.filter(account=account).exists()
    again = plans.current(request)
    assert again is not None
    assert again.hash != plan.hash
    assert again.approved_by is None
    approvals.propose_erasure(request, plan_hash=again.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=again.hash, by=officer, now=NOW)
    run_steps(NOW + timedelta(minutes=1))
    request.refresh_from_db()
    assert request.state == State.CLOSED
    assert not Device.objects.exists()


def test_the_person_is_told_before_the_address_goes(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    request = erased(agent, officer)
    person = request.person
    assert sweeping.forget_people(NOW + timedelta(minutes=5)) == 0  # the letter has not gone out

    sent = deliver(NOW + timedelta(minutes=5))
    answer = sent[-1]
    assert answer["To"] == ADDRESS
    assert "has been deleted" in answer["Subject"]
    assert request.reference in answer["Subject"]

    assert sweeping.forget_people(NOW + timedelta(minutes=6)) == 1
    person.refresh_from_db()
    assert (person.email, person.full_name, person.account) == ("", "", None)
    assert residue.search([ADDRESS], kept=True) == []
    request.refresh_from_db()
    assert (request.details, request.full_name) == (None, None)
    assert not request.verifications.exists()
    visitor, proven = Client(), HttpResponse()
    proof.grant(proven, request)
    visitor.cookies.load({proof.COOKIE: proven.cookies[proof.COOKIE].value})
    page = visitor.get(reverse("request-status", args=[request.reference])).content.decode()
    assert "was erased with your data" in page
    assert "Nothing yet." not in page
    (there,) = re.findall(r'href="(/evidence/verify/\?[^"]*)"', page)
    assert "Its digest is the one you gave." in visitor.get(html.unescape(there)).content.decode()
    assert all(message.body is None for message in request.messages.all())
    assert Entry.objects.filter(verb="request.person_forgotten").count() == 1
    assert sweeping.forget_people(NOW + timedelta(minutes=7)) == 0


def test_another_open_request_keeps_the_address_until_it_is_answered(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    submit_request("complaint", ADDRESS)
    erased(agent, officer)
    deliver(NOW + timedelta(minutes=5))
    assert sweeping.forget_people(NOW + timedelta(minutes=6)) == 0
    # Nobody confirms it, so it lapses, and then nothing is left to answer.
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=15)) == 1
    assert sweeping.forget_people(NOW + timedelta(days=15)) == 1


def test_whoever_was_forgotten_can_ask_again_and_is_one_person(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    erased(agent, officer)
    deliver(NOW + timedelta(minutes=5))
    sweeping.forget_people(NOW + timedelta(minutes=6))
    again = submit_request("access", ADDRESS, now=NOW + timedelta(days=1))
    person = Person.objects.get()
    assert (person.email, person.forget_from) == (ADDRESS, None)
    assert again.person == person
    assert person.requests.count() == 2


def test_what_customers_wrote_about_the_person_stays_theirs(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    contact = make_contact(make_account(email="customer@other.example"), email=ADDRESS)
    request = erased(agent, officer)
    assert request.state == State.CLOSED
    contact.refresh_from_db()
    assert contact.email == ADDRESS
    verify = Step.objects.get(request=request, kind=Step.Kind.VERIFY)
    assert verify.result == {"residue": 0, "in_content_of_others": 1}


def test_nobody_is_told_anything_while_the_search_still_finds_them(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    request, plan = proposed(agent)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    # An organisation's address field is outside what an erasure reaches.
    other = make_account(email="other@customer.example")
    other.organisation.business_address = f"c/o {ADDRESS}"
    other.organisation.save()
    run_steps()
    request.refresh_from_db()
    assert request.state == State.EXECUTING
    verify = Step.objects.get(request=request, kind=Step.Kind.VERIFY)
    assert (verify.state, verify.last_error) == ("due", "residue-found")
    assert verify.result == {"residue": {"crm.Organisation.business_address": 1}}
    assert not request.messages.filter(template="erased").exists()


def test_an_erasure_destroys_the_copies_that_were_made_before(
    agent: User, officer: User, django_capture_on_commit_callbacks: object
) -> None:
    make_account(email=ADDRESS)
    access = reviewed_request("access", ADDRESS)
    found = plans.current(access)
    assert found is not None
    approvals.release(access, plan_hash=found.hash, by=agent, now=NOW)
    run_steps()
    package = access.packages.get()
    b"".join(packages.fetch(package, now=NOW))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        erased(agent, officer)
    package.refresh_from_db()
    assert package.key is None
    assert not files.path_of(package.file_name).exists()


def test_nothing_to_delete_is_said_so(agent: User, officer: User) -> None:
    request = erased(agent, officer)
    assert request.outcome == Outcome.GRANTED
    assert request.messages.filter(template="nothing-found").exists()


def test_a_request_that_is_being_executed_cannot_be_taken_back(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    request, plan = proposed(agent)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    request.refresh_from_db()
    assert State.EXECUTING not in {State.RECEIVED, request.state}
    request.execute()
    request.save(update_fields=["state"])
    with pytest.raises(MoveNotAllowed):
        request.withdraw(now=NOW)


def test_forgetting_waits_for_nobody_who_was_never_erased() -> None:
    person = confirm_request(submit_request()).person
    assert people.forget(person, now=NOW) is False


def test_a_copy_asked_for_besides_can_be_fetched_before_the_person_is_forgotten(agent: User, officer: User) -> None:
    make_account(email=ADDRESS)
    access = submit_request("access", ADDRESS)
    erased(agent, officer)
    confirm_request(access)
    run_steps()
    found = plans.current(access)
    assert found is not None
    approvals.release(access, plan_hash=found.hash, by=agent, now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=5))
    assert sweeping.forget_people(NOW + timedelta(minutes=6)) == 0
    assert access.packages.get().key is not None
    packages.expire(NOW + timedelta(days=15))
    assert sweeping.forget_people(NOW + timedelta(days=15)) == 1
