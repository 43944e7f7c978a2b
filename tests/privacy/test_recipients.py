"""Recipients of data: told of what was done, reminded, overdue, answered; and the person hears of it."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.dashboard import desk
from crasme.kit.clock import controller_day
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.metrics import overdue_notices
from privacy.models import Person, Recipient, RecipientNotice, Request
from privacy.services import (
    approvals,
    corrections,
    decisions,
    holdings,
    plans,
    recipients,
    restriction,
    sweeping,
)
from privacy.services.decisions import Verdict
from privacy.states import State
from privacy.views import holdings as holdings_page
from tests.builders import NOW, make_account, make_user, reviewed_request, run_steps, sign_in
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
TO = "erasures@payments.example"


@pytest.fixture(autouse=True)
def _register(db: None) -> None:
    """One with an address, three without; and one that is no longer used."""
    Recipient.objects.filter(slug="payment").update(contact_email=TO)
    Recipient.objects.create(
        slug="former", name="Former", kind="email", purpose="Was.", contact_email="x@former.example", active=False
    )


def erased(agent: User, officer: User, *, account: bool = True) -> Request:
    if account:
        make_account(email=ADDRESS)
    request = reviewed_request("deletion", ADDRESS)
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps()
    request.refresh_from_db()
    return request


def told() -> Request:
    """Recipients were told of somebody, without the erasure itself."""
    make_account(email=ADDRESS)
    request = reviewed_request("deletion", ADDRESS)
    recipients.tell(request, now=NOW)
    return request


def link_in(text: str) -> str:
    found = re.search(r"http://\S+(/recipients/acknowledge/\S+)", text)
    assert found
    return found.group(1)


def to_recipient() -> str:
    return str([message for message in mail.outbox if message.to == [TO]][-1].body)


def test_an_erasure_is_passed_on_before_the_person_is_forgotten(agent: User, officer: User, client: Client) -> None:
    request = erased(agent, officer)
    assert request.state == State.CLOSED
    assert dict(RecipientNotice.objects.values_list("recipient__slug", "why_not")) == {
        "payment": "", "hosting": "no_address", "email": "no_address", "analytics": "no_address",
    }  # fmt: skip
    assert sweeping.forget_people(NOW + timedelta(minutes=1)) == 0  # the mails have not gone out
    deliver(NOW + timedelta(minutes=2))
    told = to_recipient()
    assert ADDRESS in told
    assert "erase everything" in told
    assert request.reference in told
    notice = RecipientNotice.objects.get(why_not="")
    assert notice.message is not None
    assert ADDRESS not in str(notice.message.body)
    assert link_in(told) not in str(notice.message.body)
    answer = str([message for message in mail.outbox if message.to == [ADDRESS]][-1].body)
    assert "* Our payment processor\n" in answer
    assert "* Our hosting provider (not told: we have no address of theirs on record)" in answer
    assert sweeping.forget_people(NOW + timedelta(minutes=3)) == 1
    assert Person.objects.get().email == ""

    link = link_in(told)
    page = client.get(link)
    assert request.reference.encode() in page.content
    assert ADDRESS.encode() not in page.content
    notice.refresh_from_db()
    assert notice.acknowledged_at is None  # looking changes nothing
    for _ in range(2):
        assert b"Thank you" in client.post(link).content
    assert Entry.objects.filter(verb="request.recipient_acknowledged").count() == 1
    for wrong in (link[:-3] + "x/", "/recipients/acknowledge/%00/"):
        assert client.post(wrong).status_code == 410


def test_nobody_hears_of_somebody_about_whom_nothing_was_held(agent: User, officer: User) -> None:
    request = erased(agent, officer, account=False)
    assert request.state == State.CLOSED
    assert not RecipientNotice.objects.exists()
    step = request.steps.get(kind="notify")
    assert (step.state, step.result) == ("done", {"told": 0, "not_told": 0})


def test_a_correction_is_passed_on_with_the_new_value_and_without_a_record_of_it(agent: User) -> None:
    account = make_account(email=ADDRESS, phone="+43 1 5550100")
    request = reviewed_request("correction", ADDRESS)
    corrections.propose(request, {holdings.Held(account, "phone").key: "+43 1 5550199"}, actor="x", now=NOW)
    (line,) = corrections.lines(request)
    accept = {line.correction.pk: Verdict(accept=True, seen=line.fingerprint)}
    decisions.decide(request, accept, by=agent, now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=1))
    told = to_recipient()
    assert "Phone number, from now on: +43 1 5550199" in told
    assert "5550100" not in told
    assert "5550199" not in str(RecipientNotice.objects.get(why_not="").message.body)
    assert "Our payment processor" in str(mail.outbox[-1].body) + str(mail.outbox[-2].body)
    assert recipients.tell(request, now=NOW) == {"told": 1, "not_told": 3}  # a second time changes nothing
    assert RecipientNotice.objects.count() == 4


def test_whoever_is_silent_is_reminded_twice_and_then_overdue(agent: User, client: Client) -> None:
    told()
    deliver(NOW + timedelta(minutes=1))
    sent = []
    for days in (0, 6, 7, 8, 13, 14, 15, 21, 29):
        now = NOW + timedelta(days=days, minutes=2)
        recipients.remind(now)
        assert recipients.remind(now) == 0
        sent += [(days, message["Subject"]) for message in deliver(now)]
    assert [days for days, _subject in sent] == [7, 14]
    assert ADDRESS not in to_recipient()  # after an erasure nobody knows it any more
    assert "The mail of that day says" in to_recipient()
    day = controller_day(NOW)
    assert not RecipientNotice.objects.overdue(day + timedelta(days=21)).exists()
    (late,) = RecipientNotice.objects.overdue(day + timedelta(days=22))
    assert late.recipient.slug == "payment"

    RecipientNotice.objects.update(due_on=controller_day(timezone.now()) - timedelta(days=1))
    assert overdue_notices() == 1
    sign_in(client, agent)
    (figure,) = [each for each in desk.figures(timezone.now()) if each.icon == "share"]
    assert client.get(figure.link).context["cl"].result_count == figure.value == 1
    listed = client.get(reverse("admin:privacy_recipientnotice_changelist"), {"answer": "late"})
    assert list(listed.context["cl"].result_list) == [late]
    page = client.get(reverse("admin:privacy_request_change", args=[late.request_id])).content.decode()
    assert "has not answered in time" in page
    client.get(reverse("admin:privacy_recipientnotice_acknowledged", args=[late.pk]))
    assert RecipientNotice.objects.waiting().count() == 1
    client.post(reverse("admin:privacy_recipientnotice_acknowledged", args=[late.pk]))
    late.refresh_from_db()
    assert late.acknowledged_by == agent.ref
    assert not RecipientNotice.objects.waiting().exists()


def test_what_cannot_be_told_needs_its_reason(agent: User, client: Client) -> None:
    request = told()
    notice = RecipientNotice.objects.get(why_not="")
    cannot = reverse("admin:privacy_recipientnotice_cannot", args=[notice.pk])
    sign_in(client, make_user("Auditor"))
    assert client.post(cannot, {"why": "effort", "words": "x"}).status_code == 403
    sign_in(client, agent)
    assert client.post(cannot, {"why": "effort", "words": ""}).status_code == 200
    client.post(cannot, {"why": "impossible", "words": "Wound up in May."})
    notice.refresh_from_db()
    assert notice.why_not == "impossible"
    assert request.notes.get().body == "Our payment processor: Wound up in May."


def test_a_recipient_whose_address_went_before_the_mail_counts_as_not_told() -> None:
    request = told()
    Recipient.objects.update(contact_email="")
    deliver(NOW + timedelta(minutes=1))
    assert all(each.why_not for each in recipients.told(request))


def test_a_restriction_is_passed_on_and_so_is_its_end(agent: User) -> None:
    make_account(email=ADDRESS)
    request = approvals.grant(reviewed_request("restriction", ADDRESS), ground="claims", by=agent, now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=1))
    assert "store it and do nothing else" in to_recipient()
    assert "* Our payment processor\n" in str([message for message in mail.outbox if message.to == [ADDRESS]][-1].body)
    restriction.ask_lift(request, by=agent, now=NOW)
    deliver(NOW + timedelta(minutes=2))
    assert restriction.lift_told(NOW + timedelta(minutes=3)) == 1
    deliver(NOW + timedelta(minutes=4))
    assert "You may use the data again" in to_recipient()
    acts = RecipientNotice.objects.filter(recipient__slug="payment").values_list("act", "why_not")
    assert dict(acts) == {"restrict": "over", "lift": ""}  # nobody is reminded of what is over
    assert [each.name for each in recipients.told(request) if not each.why_not] == ["Our payment processor"]
    request.refresh_from_db()
    assert len(holdings_page.shown(request)["told"]) == 4
    request.kind = "child"  # whoever reports somebody's account learns nothing of it
    assert holdings_page.shown(request)["told"] == []
