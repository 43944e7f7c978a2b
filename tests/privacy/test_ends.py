"""The end of what this room stores: requests after their period, and people with the last of theirs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crasme.kit.calendar import Period, add
from crasme.kit.datamap import table
from privacy.models import ClockEvent, Message, Package, Person, Plan, Request, Step, Verification
from privacy.packages import files
from privacy.services import approvals, intake, packages, plans, sweeping
from retention.services import run_due
from tests.builders import NOW, make_account, reviewed_request, run_steps, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db


def test_a_request_ends_three_years_after_it_was_closed_and_takes_everything_along(agent: object) -> None:
    make_account(email="ana@customer.example")
    request = reviewed_request("access", "ana@customer.example")
    plan = plans.current(request)
    assert plan is not None
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)  # type: ignore[arg-type]
    run_steps()
    deliver(NOW + timedelta(minutes=1))
    young = submit_request("deletion", "bob@customer.example", now=NOW)
    packages.expire(NOW + timedelta(days=15))
    sweeping.lapse_unconfirmed(NOW + timedelta(days=15))

    over = add(NOW, Period.parse("P3Y"))
    run_due(over - timedelta(days=1))
    assert Request.objects.count() == 2
    run_due(over + timedelta(days=1))
    assert list(Request.objects.all()) == [young]
    for model in (Step, Message, Plan, Package, Verification, ClockEvent):
        assert not model.objects.exclude(request=young).exists()
    run_due(over + timedelta(days=2))
    assert [person.pk for person in Person.objects.all()] == [young.person_id]


def test_a_row_of_a_package_that_ends_early_leaves_no_file(agent: object) -> None:
    request = reviewed_request("access")
    plan = plans.current(request)
    assert plan is not None
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)  # type: ignore[arg-type]
    run_steps()
    path = files.path_of(request.packages.get().file_name)
    assert path.exists()
    Package.objects.all().delete()
    packages.expire(timezone.now() + timedelta(hours=2))
    assert not path.exists()


@pytest.mark.parametrize("label", ["Person", "Request", "Message", "Note", "Package"])
def test_what_identifies_a_person_does_not_outlive_an_erasure(label: str) -> None:
    declared = table(f"privacy.{label}").fields
    for name in ("email", "full_name", "details", "written", "subject", "body", "key"):
        if name in declared:
            assert declared[name].erase == "blank", name


def test_an_address_that_nobody_proved_goes_with_the_request_that_lapses() -> None:
    request = submit_request("deletion", "typed-by-a-stranger@customer.example", full_name="Bob", details="Erase me.")
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=15)) == 1
    request.refresh_from_db()
    assert (request.outcome, request.details, request.full_name) == ("unconfirmed", None, None)
    assert (request.person.email, request.person.full_name) == ("", "")
    assert request.messages.get().state == "cancelled"
    assert deliver(NOW + timedelta(days=15)) == []
    again = submit_request("access", "typed-by-a-stranger@customer.example", now=NOW + timedelta(days=16))
    assert (again.person.email, again.person.forget_from) == ("typed-by-a-stranger@customer.example", None)


def test_what_was_entered_late_has_its_days_to_confirm_and_the_clock_of_its_arrival() -> None:
    arrived = NOW - timedelta(days=20)
    request, linked = intake.submit_many(
        [
            intake.Submission(kind=kind, email="ana@customer.example", received_at=arrived)
            for kind in ("access", "deletion")
        ],
        now=NOW,
    )
    assert (request.received_at, (request.promise_due - NOW.date()).days) == (arrived, 10)
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=13)) == 0
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=15)) == 2
    linked.refresh_from_db()
    assert linked.outcome == "unconfirmed"


def test_a_proven_mailbox_outlives_a_request_that_lapses() -> None:
    reviewed_request("access", "ana@customer.example")
    submit_request("complaint", "ana@customer.example")
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=15)) == 1
    assert Person.objects.get().email == "ana@customer.example"
    assert Person.objects.get().forget_from is None
