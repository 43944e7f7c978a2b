"""Whoever asks for a copy and for deletion gets the copy first, and the deletion in time."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format

from crasme.kit.clock import controller_day
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.admin.buttons import fitting
from privacy.errors import CopyWaits, Incomplete, MoveNotAllowed
from privacy.models import Package, Plan, Request
from privacy.services import approvals, confirmation, copies, desk, intake, packages, plans, verification
from privacy.services.intake import Submission
from privacy.states import Outcome, State
from tests.builders import NOW, confirm_request, make_account, reviewed_request, run_steps, sign_in, submit_request
from tests.privacy.mails import deliver
from tests.privacy.test_replies import opened

pytestmark = pytest.mark.django_db
ANA = "ana@customer.example"
DAY = timedelta(days=1)


def plan_of(request: Request) -> Plan:
    plan = plans.current(request)
    assert plan is not None
    return plan


def handed_out(copy: Request, agent: User, *, now: datetime = NOW) -> Package:
    approvals.release(copy, plan_hash=plan_of(copy).hash, by=agent, now=now)
    run_steps(now)
    return Package.objects.get(request=copy)


def act(request: Request, name: str) -> str:
    return reverse(f"admin:privacy_request_{name}", args=[request.pk])


@pytest.mark.parametrize("kind", ["access", "portability"])
def test_the_copy_comes_first_and_is_fetched_first(kind: str, client: Client, agent: User, officer: User) -> None:
    """Asked for in two messages, the deletion even before the copy."""
    make_account(email=ANA)
    deletion, copy = reviewed_request("deletion", ANA), reviewed_request(kind, ANA)
    last = deletion.effective_due - copies.DAYS_FOR_THE_ERASURE * DAY
    with pytest.raises(CopyWaits, match=copy.reference):
        approvals.propose_erasure(deletion, plan_hash=plan_of(deletion).hash, by=agent, now=NOW)
    # Proposed before anybody asked for a copy:
    Plan.objects.filter(pk=plan_of(deletion).pk).update(requested_by=agent, requested_at=NOW)
    with pytest.raises(CopyWaits, match=copy.reference):
        approvals.approve_erasure(deletion, plan_hash=plan_of(deletion).hash, by=officer, now=NOW)

    package = handed_out(copy, agent)
    deliver(NOW + timedelta(minutes=1))
    until = min(last, controller_day(package.expires_at))
    told = f"until {date_format(until)} at the latest; then the deletion goes ahead and destroys the copy, too"
    assert told in " ".join(str(mail.outbox[-1].body).split())
    with pytest.raises(CopyWaits, match="nobody has fetched it"):
        approvals.approve_erasure(deletion, plan_hash=plan_of(deletion).hash, by=officer, now=NOW)
    assert "approve" not in fitting(deletion, officer)
    with time_machine.travel(NOW + DAY, tick=False):
        pages = {}
        for request in (deletion, copy):
            opened(client, request)
            pages[request] = client.get(reverse("request-status", args=[request.reference])).content.decode()
        assert "First your copy, then the deletion" in pages[deletion]
        assert copy.reference in pages[deletion]
        assert told in pages[copy]
        assert "First your copy" not in pages[copy]

    broken_off = packages.fetch(package, now=NOW + DAY)
    assert next(iter(broken_off))
    broken_off.close()  # type: ignore[attr-defined]
    package.refresh_from_db()
    assert (package.downloads, package.fetched_at) == (1, None)
    assert copies.awaited(deletion, now=NOW + DAY)
    b"".join(packages.fetch(package, now=NOW + DAY))
    assert copies.awaited(deletion, now=NOW + DAY) is None
    approvals.approve_erasure(deletion, plan_hash=plan_of(deletion).hash, by=officer, now=NOW + DAY)
    run_steps(NOW + DAY)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.outcome) == (State.CLOSED, Outcome.GRANTED)


def test_the_wait_never_makes_the_deletion_late(agent: User) -> None:
    """Day by day, whenever the deletion is due: it waits from the first on, and ends in time."""
    dues = (0, 2, 3, 10, 17, 30)
    make_account(email=ANA)
    deletion, copy = reviewed_request("deletion", ANA), reviewed_request("access", ANA)

    def waiting() -> dict[int, list[int]]:
        found = {}
        for due in dues:
            deletion.effective_due = controller_day(NOW) + due * DAY
            found[due] = [day for day in range(32) if copies.awaited(deletion, now=NOW + day * DAY)]
        return found

    assert waiting() == {due: list(range(due - copies.DAYS_FOR_THE_ERASURE + 1)) for due in dues}
    package = handed_out(copy, agent)
    kept = (package.expires_at - NOW).days + 1  # it is made a moment later, and so can be fetched on that day, too
    assert kept == 15
    assert waiting() == {due: list(range(min(due - copies.DAYS_FOR_THE_ERASURE + 1, kept))) for due in dues}


def by_the_person(deletion: Request, copy: Request, agent: User, client: Client) -> None:
    go_on = reverse("request-go-on", args=[deletion.reference])
    client.post(go_on)
    assert copies.awaited(deletion, now=NOW)  # a stranger
    opened(client, deletion)
    page = reverse("request-status", args=[deletion.reference])
    for said in (1, 0):  # pressed twice, there is nothing left to save
        assert client.post(go_on).status_code == 302
        assert client.get(page).content.decode().count("Your choice is saved.</li>") == said


def by_a_colleague(deletion: Request, copy: Request, agent: User, client: Client) -> None:
    sign_in(client, agent)
    assert {"go_on_without"} <= fitting(deletion, agent)
    page = client.get(reverse("admin:privacy_request_change", args=[deletion.pk])).content.decode()
    assert page.count(reverse("admin:privacy_request_change", args=[copy.pk])) == 1
    assert act(deletion, "propose") not in page
    with pytest.raises(Incomplete):
        approvals.go_on_without_by(deletion, words=" ", by=agent, now=NOW)
    client.post(act(deletion, "go_on_without"), {"words": "She said so on the telephone."})
    deletion.refresh_from_db()
    assert deletion.notes.get().body == "She said so on the telephone."
    with pytest.raises(MoveNotAllowed):
        approvals.go_on_without_by(deletion, words="Again.", by=agent, now=NOW)
    # Both of the two who look at it see what will be gone.
    assert copy.reference in client.get(act(deletion, "propose")).content.decode()


def taken_back(deletion: Request, copy: Request, agent: User, client: Client) -> None:
    desk.withdraw(copy, actor="person:x", now=NOW)


Otherwise = Callable[[Request, Request, User, Client], None]


@pytest.mark.parametrize("otherwise", [by_the_person, by_a_colleague, taken_back])
def test_somebody_decides_otherwise(otherwise: Otherwise, client: Client, agent: User, officer: User) -> None:
    make_account(email=ANA)
    deletion, copy = reviewed_request("deletion", ANA), reviewed_request("access", ANA)
    with time_machine.travel(NOW, tick=False):
        otherwise(deletion, copy, agent, client)
    deletion.refresh_from_db()
    assert Entry.objects.filter(verb="request.copy_not_awaited").count() == (otherwise is not taken_back)
    approvals.propose_erasure(deletion, plan_hash=plan_of(deletion).hash, by=agent, now=NOW)
    # It goes for that copy and for no other one.
    later = confirm_request(submit_request("portability", ANA))
    with pytest.raises(CopyWaits, match=later.reference):
        approvals.approve_erasure(deletion, plan_hash=plan_of(deletion).hash, by=officer, now=NOW)


def test_a_parked_erasure_waits_for_a_copy_that_was_asked_for_since(agent: User, officer: User) -> None:
    account = make_account(email=ANA)
    deletion = reviewed_request("deletion", ANA)
    approvals.propose_erasure(deletion, plan_hash=plan_of(deletion).hash, by=agent, now=NOW)
    approvals.approve_erasure(deletion, plan_hash=plan_of(deletion).hash, by=officer, now=NOW)
    copy = confirm_request(submit_request("access", ANA))
    assert copies.erased_after(copy, now=NOW)
    run_steps(NOW + DAY)
    deletion.refresh_from_db()
    account.refresh_from_db()
    assert (deletion.state, deletion.round, account.email) == (State.REVIEW, 2, ANA)
    with pytest.raises(CopyWaits, match=copy.reference):
        approvals.propose_erasure(deletion, plan_hash=plan_of(deletion).hash, by=agent, now=NOW + DAY)


def test_a_copy_that_is_not_waited_for_says_that_it_is_destroyed_sooner(client: Client, agent: User) -> None:
    make_account(email=ANA)
    deletion, copy = reviewed_request("deletion", ANA), reviewed_request("access", ANA)
    assert not copies.erased_sooner(copy, now=NOW)
    approvals.go_on_without(deletion, now=NOW)
    deletion.refresh_from_db()
    made = Package.objects.create(
        request=copy, file_name="made", sha256="", size=1, key="x", made_at=NOW, expires_at=NOW + 14 * DAY
    )  # as it is while it is verified
    assert [(wait.copy, wait.is_made) for wait in copies.lost(deletion, now=NOW)] == [(copy, True)]
    made.delete()
    handed_out(copy, agent)
    deliver(NOW + timedelta(minutes=1))
    told = "it does not wait for this copy but destroys it"
    assert told in " ".join(str(mail.outbox[-1].body).split())
    with time_machine.travel(NOW + DAY, tick=False):
        opened(client, copy)
        assert told in client.get(reverse("request-status", args=[copy.reference])).content.decode()
    desk.withdraw(deletion, actor="person:x", now=NOW)
    assert not copies.erased_sooner(copy, now=NOW)


def test_who_is_waited_for(agent: User) -> None:
    """A copy of the same message, one that was joined with an earlier one; never a stranger's, nor a reporter's."""
    make_account(email=ANA)
    earlier = submit_request("access", ANA, now=NOW - 3 * DAY)
    joined, deletion = intake.submit_many([Submission(kind, ANA) for kind in ("access", "deletion")], now=NOW)
    assert copies.awaited(deletion, now=NOW) is None  # anybody can type an address into the form
    confirmation.confirm_by_link(verification.issue(joined, now=NOW).token, now=NOW)
    run_steps()
    deletion.refresh_from_db()
    wait = copies.awaited(deletion, now=NOW)
    assert wait is not None
    assert (wait.copy, wait.is_made) == (earlier, False)
    make_account(email="bob@customer.example")
    for others in ("bob@customer.example", "carl@elsewhere.example"):
        assert copies.awaited(reviewed_request("deletion", others), now=NOW) is None
    report = intake.submit(
        Submission("child", ANA, about="bob@customer.example", facts={"relation": "parent"}), now=NOW
    )
    assert copies.awaited(report, now=NOW) is None
