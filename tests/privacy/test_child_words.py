"""What is said about a child ends with the report, whatever it stood beside, and not before somebody has read it."""

from datetime import timedelta

import pytest

from crasme.kit.clock import controller_day
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy import promises
from privacy.admin.buttons import fitting
from privacy.errors import Incomplete
from privacy.mailroom import replies, triage
from privacy.mailroom.files import File
from privacy.models import Attachment, Message, Request
from privacy.promises import Status
from privacy.services import children, confirmation, emptying, entering, intake, verification, writing
from privacy.services.entering import Entered
from privacy.services.intake import Submission
from privacy.states import State
from tests.builders import NOW, make_account, run_steps
from tests.privacy.letters import ANA, PDF, came, letter
from tests.privacy.mails import read_all

pytestmark = pytest.mark.django_db
CHILD = "timmy@customer.example"
WORDS = f"Please delete my son's account {CHILD}, he is eleven, and send me a copy of my own data."


def close(report: Request, officer: User) -> None:
    run_steps()
    children.settle(report, words="", by=officer, now=NOW)
    run_steps()
    report.refresh_from_db()
    assert report.state == State.CLOSED


def test_a_mail_about_a_child_that_asks_for_something_else_ends_with_the_report(agent: User, officer: User) -> None:
    found = came(letter(WORDS, files={"Timmy.pdf": PDF}))
    lead, report = triage.make_requests(found, kinds=["access", "child"], language="en", by=agent, now=NOW)
    assert (lead.lead, report.kind, report.lead) == (None, "child", lead)
    assert (lead.details, report.details) == (None, WORDS)
    # What the reporter writes meanwhile belongs there too, even when it is sent to the other request.
    confirmation.confirm_by_link(verification.issue(lead, now=NOW).token, now=NOW)
    replies.reply(Request.objects.get(pk=lead.pk), text="Timmy is in class 5b.", file=File("a.pdf", PDF), now=NOW)
    theirs = Message.objects.filter(direction="in")
    assert {each.request for each in theirs} == {report}
    read_all(report, by=officer)

    close(report, officer)

    lead.refresh_from_db()
    assert lead.is_open
    assert list(theirs.values_list("subject", "body")) == [(None, None)] * 2
    assert not Attachment.objects.exclude(content__isnull=True, their_name__isnull=True).exists()
    # Later words are about what is still open.
    assert replies.reply(lead, text="And my copy?", file=None, now=NOW).request == lead


def test_neither_the_telephone_nor_any_other_door_leaves_it_with_another_request(agent: User) -> None:
    told = Entered(
        kinds=["access", "child"],
        channel="phone",
        received_on=controller_day(NOW),
        email=ANA,
        about=CHILD,
        details=WORDS,
    )
    access, report = entering.enter(told, by=agent, now=NOW)
    assert (access.about, access.details, report.about, report.details) == (None, None, CHILD, WORDS)


def test_an_unread_answer_outlives_the_report_until_it_is_read_and_the_board_says_so(officer: User) -> None:
    make_account(email=CHILD)
    report = intake.submit(Submission("child", ANA, about=CHILD, facts={"relation": "teacher"}), now=NOW)
    run_steps()
    close(report, officer)
    message = replies.reply(report, text="It was another boy!", file=File("a.pdf", PDF), now=NOW)
    emptying.empty_rest(NOW + timedelta(minutes=1))
    message.refresh_from_db()
    assert (message.body, message.attachments.get().destroyed_at) == ("It was another boy!", None)

    def board(days: int) -> tuple[Status, int]:
        (line,) = promises.board(NOW + timedelta(days=days), ["P9.2"])
        return line.status, line.figures["unread"]

    assert [board(1), board(3)] == [(Status.KEPT, 0), (Status.AT_RISK, 1)]
    emptying.empty_rest(NOW + timedelta(days=31))
    message.refresh_from_db()
    assert message.body is None
    emptied = Entry.objects.filter(verb="request.emptied", subject=report.ref, facts__unread=str(message.pk))
    assert emptied.count() == 1
    emptying.empty_rest(NOW + timedelta(days=32))
    assert emptied.count() == 1


def test_whoever_reported_an_account_gets_no_words_of_ours(officer: User) -> None:
    make_account(email=CHILD)
    report = intake.submit(Submission("child", ANA, about=CHILD, facts={"relation": "parent"}), now=NOW)
    run_steps()
    assert "write" not in fitting(report, officer)
    confirmation.confirm_by_link(verification.issue(report, now=NOW).token, now=NOW)
    report = Request.objects.get(pk=report.pk)
    assert "write" not in fitting(report, officer)
    with pytest.raises(Incomplete, match="same letter in every case"):
        writing.write(report, words="We found Timmy's account.", by=officer, now=NOW)
    children.judge_parent(report, believed=True, words="Called the school.", by=officer, now=NOW)
    report = Request.objects.get(pk=report.pk)
    assert "write" in fitting(report, officer)
    writing.write(report, words="We found Timmy's account.", by=officer, now=NOW)
