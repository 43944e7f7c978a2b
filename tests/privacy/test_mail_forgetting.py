"""Mail that was set aside keeps nobody who was erased, whenever it came and whoever they were."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from crasme.ledger.models import Entry
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER
from privacy import faults
from privacy.errors import MailWaits, MoveNotAllowed
from privacy.mailroom import forgetting, triage
from privacy.models import Attachment, InboundMail, Person, Request
from privacy.services import approvals, intake, people, plans, sweeping
from privacy.services.intake import Submission
from privacy.states import State
from retention import residue
from tests.builders import NOW, confirm_request, make_account, make_user, run_steps, submit_request
from tests.privacy.letters import ANA, PNG, VERIFIED, came, delivery_report, letter
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
CHILD = "timmy@customer.example"
FORGED = VERIFIED.replace(b"pass", b"fail")


@pytest.fixture(autouse=True)
def _server(settings: Settings) -> None:
    settings.MAIL_AUTHSERV_ID = "mx.crasme.example"


def words_of(found: InboundMail) -> tuple[object, ...]:
    found.refresh_from_db()
    return found.sender, found.subject, found.body


def test_a_notice_and_the_answer_of_another_s_machine_leave_no_words(agent: User) -> None:
    request = confirm_request(submit_request())
    (ours, *_rest) = deliver(NOW)
    answered = {"In_Reply_To": str(ours["Message-ID"]), "Auto_Submitted": "auto-replied"}
    for raw in (
        delivery_report(str(ours["Message-ID"])),
        delivery_report("<x@elsewhere.example>"),
        letter(f"{ANA} is away.", sender="desk@elsewhere.example", files={"a.png": PNG}, **answered),
        letter("Again.", sender="relay@elsewhere.example", Message_ID=str(ours["Message-ID"])),
    ):
        found = came(raw)
        assert (found.status, words_of(found)) == ("ignored", (None, None, None))
        with pytest.raises(MoveNotAllowed, match="Nothing of this mail is kept"):
            triage.look_again(found, by=agent, now=NOW)
    assert not Attachment.objects.exists()
    # Their own machine's may be their own words after all.
    own = came(letter("I am away.", **answered))
    assert (own.status, own.request, own.body) == ("ignored", request, "I am away.\n".strip())
    triage.look_again(own, by=agent, now=NOW)


def test_what_nobody_looked_for_is_erased_with_them_and_what_comes_later_is_emptied(agent: User) -> None:
    early = came(VERIFIED + letter("I have a question.", files={"a.png": PNG}))
    forged = came(FORGED + letter("Keep all of it."))
    # Done at once and unproven: nobody looks for an account, and their mail is nobody's yet.
    intake.submit(Submission("opt_out", ANA), now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=2))
    person = Person.objects.get()
    later = NOW + people.STRANGER_KEPT + timedelta(minutes=1)
    assert (early.person, sweeping.forget_people(later)) == (None, 0)  # somebody must read it first
    triage.no_request(early, by=agent, now=later)
    assert sweeping.forget_people(later) == 1  # whoever writes in another's name keeps nobody's address here
    forged.refresh_from_db()
    assert (forged.status, forged.sender, forged.why, forged.person) == ("triage", ANA, "forgotten", None)
    triage.no_request(forged, by=agent, now=later)
    assert words_of(InboundMail.objects.get()) == (None, None, None)
    assert residue.search([ANA], kept=True) == []

    away = came(letter("I am away.", files={"a.png": PNG}, Auto_Submitted="auto-replied"), now=later)
    waits = came(letter("Why did you write?"), now=later)
    triage.no_request(waits, by=agent, now=later)
    assert {away.person, waits.person} == {person}
    assert residue.search([ANA]) != []
    found = [each.rule for each in faults.violations(later + timedelta(minutes=11))]
    assert "forgotten-means-empty" in found
    assert forgetting.empty_of_forgotten(later) == 2
    assert [words_of(each) for each in (away, waits)] == [(None, None, None)] * 2
    assert not Attachment.objects.exists()
    assert residue.search([ANA], kept=True) == []
    assert "forgotten-means-empty" not in [each.rule for each in faults.violations(later + timedelta(minutes=11))]
    assert forgetting.empty_of_forgotten(later) == 0


def test_a_child_who_never_asked_for_anything_is_erased_from_mail_too(
    officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 1)
    make_account(email=CHILD)
    heads = (b"", VERIFIED, FORGED, b"")
    seen, waits, forged, unknown = (came(head + letter("Hello.", sender=CHILD)) for head in heads)
    triage.no_request(seen, by=officer, now=NOW)
    report = intake.submit(Submission("child", "", about=CHILD, facts={"relation": "teacher"}), now=NOW)
    run_steps()
    report = Request.objects.get(pk=report.pk)
    plan = plans.current(report)
    assert plan is not None
    approvals.propose_erasure(report, plan_hash=plan.hash, by=officer, now=NOW)
    approvals.approve_erasure(report, plan_hash=plan.hash, by=make_user(PRIVACY_OFFICER), now=NOW)
    run_steps()
    step = report.steps.get(kind="execute")
    assert (step.last_error, Entry.objects.filter(verb="request.erased").exists()) == (MailWaits.code, False)
    triage.no_request(waits, by=officer, now=NOW)
    run_steps(NOW + timedelta(hours=2))
    report.refresh_from_db()
    assert report.state == State.CLOSED
    assert {words_of(each) for each in (seen, waits)} == {(None, None, None)}
    for each in (forged, unknown):  # they held up nothing, wait for somebody, and go once they were looked at
        assert words_of(each)[0] == CHILD
        triage.no_request(each, by=officer, now=NOW)
        assert words_of(each) == (None, None, None)
