"""Somebody asks for somebody else: the person decides, from the mailbox on file, and nobody else."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.ledger.models import Entry
from crasme.staff.models import AccessEntry, User
from privacy.errors import Incomplete, LinkSpent, MoveNotAllowed
from privacy.models import MandateDocument, Message, Package, Representative, Request
from privacy.services import (
    approvals,
    confirmation,
    desk,
    intake,
    joining,
    links,
    mandates,
    plans,
    representatives,
    sweeping,
    verification,
)
from privacy.services.intake import Submission
from privacy.services.representatives import Claim
from privacy.states import Outcome, State
from tests.builders import NOW, make_account, run_steps, sign_in
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
PERSON, LAWYER = "ana@customer.example", "law@office.example"
PDF = b"%PDF-1.7\n" + b"x" * 100
FORM, SENT = reverse("request-representative"), reverse("representative-sent")
ANSWERS = {
    "kind": ["access", "deletion"],
    "email": PERSON,
    "rep_name": "Lena Law",
    "rep_email": LAWYER,
    "mandate": "lawyer",
    "details": "",
    "leave_empty": "",
}


def represented(kind: str = "access", **claim: object) -> Request:
    """Stored as the form does; not confirmed."""
    said = Claim(**{"full_name": "Lena Law", "email": LAWYER, "mandate": "lawyer", "document": PDF} | claim)  # type: ignore[arg-type]
    return intake.submit(Submission(kind, PERSON, claim=said), now=NOW)


def confirmed(request: Request, to: str = "person") -> Request:
    confirmation.confirm_by_link(verification.issue(request, now=NOW).token, now=NOW)
    representatives.choose(request, to, now=NOW)
    return run(request)


def run(request: Request) -> Request:
    run_steps()
    return Request.objects.get(pk=request.pk)


def released(request: Request, agent: User) -> Request:
    plan = plans.current(request)
    assert plan is not None
    approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps()
    return Request.objects.get(pk=request.pk)


def to_lawyer() -> dict[str, str]:
    """What the representative gets now, by template."""
    deliver(NOW + timedelta(minutes=1))
    sent = Message.objects.filter(addressee="representative", state="done")
    return {each.template: each.body or "" for each in sent}


# --- asking ----------------------------------------------------------------------------------------------------------
def test_known_and_unknown_people_are_asked_alike_and_the_mail_carries_nothing_typed(client: Client) -> None:
    make_account(email=PERSON)
    pages = []
    with time_machine.travel(timezone.now(), tick=False):  # the pages' own address bears the second of the request
        for address in (PERSON, "nobody@elsewhere.example"):
            file = SimpleUploadedFile("Mandate of Ana.pdf", PDF)
            answer = Client().post(FORM, ANSWERS | {"email": address, "document": file}, follow=True)
            ((path, status),) = answer.redirect_chain
            pages.append((path, status, answer.content))
    assert pages[0] == pages[1]
    assert (pages[0][0].partition("?")[0], pages[0][1]) == (SENT, 302)
    lead = Request.objects.get(person__email=PERSON, lead=None)
    assert [each.kind for each in (lead, *lead.together())] == ["access", "deletion"]
    claim = lead.representative
    assert (claim.full_name, claim.email, claim.state, claim.release_to) == ("Lena Law", LAWYER, "claimed", "person")
    assert bytes(claim.document.content) == PDF
    mails = {each["To"]: str(each) for each in deliver(timezone.now() + timedelta(seconds=1))}
    assert "who says that they represent you" in mails[PERSON]
    assert not any(word in mails[PERSON] for word in ("Lena", LAWYER, "Mandate of Ana"))
    assert lead.person.email not in mails[LAWYER]
    assert FORM in client.get(reverse("request-new")).content.decode()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"kind": []}, "Choose what you would like"),
        ({"rep_name": ""}, "This field is required"),
        ({"rep_email": "x"}, "should look like"),
        ({"mandate": "spy"}, "not one of the available choices"),
        ({"rep_email": PERSON}, "This is your own address"),
        ({"rep_name": "4111 1111 1111 1111"}, "payment card number"),
        ({"details": "a\x00b"}, "Null characters"),
        ({"document": SimpleUploadedFile("a.pdf", b"MZ\x90\x00 a program")}, "neither a PDF nor"),
        ({"document": SimpleUploadedFile("a.pdf", b"")}, "file is empty"),
        ({"document": SimpleUploadedFile("a.pdf", b"%PDF-" + b"x" * mandates.LARGEST)}, "larger than 2 MB"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, answers: dict[str, object], words: str) -> None:
    answer = client.post(FORM, ANSWERS | answers)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Request.objects.exists()


def test_what_is_too_large_is_turned_away_before_it_is_read(client: Client) -> None:
    answer = client.post(FORM, b"x" * (3 * 1024 * 1024), content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 413
    assert "larger than 2 MB" in answer.content.decode()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(FORM, ANSWERS).status_code == 403


def test_files_are_what_their_first_bytes_say() -> None:
    assert mandates.media_of(PDF) == "application/pdf"
    assert mandates.media_of(b"\x89PNG\r\n\x1a\n...") == "image/png"
    assert mandates.media_of(b"\xff\xd8\xff\xe0...") == "image/jpeg"
    for other in (b"<svg onload=alert(1)>", b"GIF89a", b""):
        with pytest.raises(Incomplete):
            mandates.media_of(other)


# --- who gets the answer ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("to", "accepted", "gets_it"),
    [
        ("rep", True, True),
        ("rep", False, False),
        ("rep", None, False),
        ("person", True, False),
        ("nobody", None, False),
    ],
)
def test_nothing_is_released_but_what_the_person_wants_and_a_colleague_has_accepted(
    agent: User, to: str, accepted: bool | None, gets_it: bool
) -> None:
    make_account(email=PERSON)
    request = confirmed(represented(), to)
    if accepted is not None:
        representatives.judge(request, accepted=accepted, words="Called the office.", by=agent, now=NOW)
    request = released(request, agent)
    letters = to_lawyer()
    assert ("representative-copy" in letters) == gets_it
    assert request.messages.filter(template="package-ready", addressee="person", state="done").exists()
    if to == "nobody":
        assert "representative-status" not in letters
    else:
        assert "closed" in letters["representative-status"]
    assert not any(PERSON in body for body in letters.values())


def test_the_persons_own_request_neither_joins_nor_confirms_a_claim_that_they_never_answered(agent: User) -> None:
    claim = represented()
    make_account(email=PERSON)
    own = intake.submit(Submission("access", PERSON), now=NOW)
    goes_on = confirmation.confirm_by_link(verification.issue(own, now=NOW).token, now=NOW)
    claim.refresh_from_db()
    assert (goes_on, claim.state) == (own, State.RECEIVED)
    own.refresh_from_db()
    assert own.is_open
    # Nor does a colleague's click, whichever of them came first.
    late = represented()
    for pair in ((claim, own), (own, claim), (own, late), (late, claim)):
        assert pair[1] not in joining.others(pair[0])
        with pytest.raises(MoveNotAllowed, match="has not confirmed"):
            joining.join(*pair, by=agent, now=NOW)
    assert {each.state for each in Request.objects.filter(pk__in=(claim.pk, late.pk))} == {State.RECEIVED}
    representatives.judge(claim, accepted=True, words="Called.", by=agent, now=NOW)
    released(run(own), agent)
    assert set(to_lawyer()) == {"representative-receipt", "representative-status"}
    # Confirmed, it is one wish like another.
    confirmed(late)
    again = intake.submit(Submission("access", PERSON), now=NOW + timedelta(hours=2))
    assert joining.join(again, late, by=agent, now=NOW + timedelta(hours=2)).pk == late.pk
    # Where the answer shall go to the representative it goes on beside the person's own, or it would not reach them.
    claim = confirmed(claim, "rep")
    assert (claim.is_open, Representative.objects.get(request=claim).release_to) == (True, "rep")
    # So does one whose answer goes to another representative.
    for address in (None, "other@lawyer.example"):
        if address:
            Representative.objects.filter(request=late).update(email=address)
            representatives.choose(late, "rep", now=NOW + timedelta(hours=2))
        with pytest.raises(MoveNotAllowed, match="goes to a representative"):
            joining.join(claim, late, by=agent, now=NOW + timedelta(hours=2))


def test_without_the_persons_confirmation_nothing_is_ever_released(agent: User, client: Client) -> None:
    """Whatever a colleague clicks, and whatever the representative tries."""
    make_account(email=PERSON)
    request = represented()
    representatives.judge(request, accepted=True, words="A good mandate.", by=agent, now=NOW)
    assert not representatives.release(request, now=NOW)
    with pytest.raises(IntegrityError, match="release_needs_person"), transaction.atomic():
        Representative.objects.update(release_to="rep")
    links.ask(request.reference, LAWYER, now=NOW)
    links.answer_all(NOW + timedelta(minutes=1))
    letters = to_lawyer()
    assert set(letters) == {"representative-receipt", "representative-status"}
    assert "has not confirmed the request yet" in letters["representative-status"]
    request.refresh_from_db()
    assert (request.state, request.steps.count()) == (State.RECEIVED, 0)
    # A proof of the mailbox alone is no word about who gets the answer.
    confirmation.confirm_by_link(verification.issue(request, now=NOW).token, now=NOW)
    run_steps()
    request = released(Request.objects.get(pk=request.pk), agent)
    assert "representative-copy" not in to_lawyer()
    stolen = verification.issue(request, now=timezone.now(), to_representative=True)
    answer = client.post(reverse("release", args=[stolen.token]), follow=True)
    assert answer.status_code == 410
    assert "There is nothing here for you" in answer.content.decode()


def test_the_person_chooses_on_the_page_that_confirms_and_may_think_again(client: Client, agent: User) -> None:
    make_account(email=PERSON)
    request = represented()
    page = reverse("request-confirm", args=[verification.issue(request, now=timezone.now()).token])
    shown = client.get(page).content.decode()
    assert "Lena Law" in shown
    assert Representative.objects.get().person_confirmed_at is None
    status = client.post(page, {"to": "rep"}, follow=True)
    assert "Lena Law" in status.content.decode()
    claim = Representative.objects.get()
    assert (claim.release_to, claim.person_confirmed_at is not None) == ("rep", True)
    choice = reverse("request-choose", args=[request.reference])
    Client().post(choice, {"to": "nobody"})  # without the proof: nothing
    client.post(choice, {"to": "everybody"})
    assert Representative.objects.get().release_to == "rep"
    client.post(choice, {"to": "nobody"})
    claim.refresh_from_db()
    assert (claim.release_to, claim.person_confirmed_at, claim.state) == ("person", None, "rejected")
    assert client.post(choice, {"to": "rep"}).status_code == 409
    with pytest.raises(MoveNotAllowed):
        representatives.judge(request, accepted=True, words="x", by=agent, now=NOW)


def test_a_mandate_that_was_rejected_before_does_not_keep_the_person_from_confirming(
    client: Client, agent: User
) -> None:
    request = represented()
    representatives.judge(request, accepted=False, words="The signature differs.", by=agent, now=NOW)
    page = reverse("request-confirm", args=[verification.issue(request, now=timezone.now()).token])
    assert client.post(page, {"to": "rep"}, follow=True).status_code == 200
    request.refresh_from_db()
    assert (request.state, Representative.objects.get().release_to) == (State.CONFIRMED, "person")


def test_who_changes_their_mind_is_heard_until_the_mail_goes_out_and_the_copy_is_fetched(
    agent: User, officer: User
) -> None:
    make_account(email=PERSON)
    request = confirmed(represented(), "rep")
    representatives.judge(request, accepted=True, words="Called.", by=agent, now=NOW)
    request = released(request, agent)
    representatives.choose(request, "person", now=NOW)
    assert "representative-copy" not in to_lawyer()
    assert Message.objects.get(template="representative-copy").state == "cancelled"
    # And the other way round: what is decided already is released at once.
    other = confirmed(represented("complaint"))
    representatives.judge(other, accepted=True, words="Called.", by=agent, now=NOW)
    desk.answer(other, outcome="granted", words="We have apologised.", by=officer, now=NOW)
    run_steps()
    assert "representative-answer" not in to_lawyer()
    representatives.choose(other, "rep", now=NOW)
    assert "We have apologised." in to_lawyer()["representative-answer"]


def test_a_representative_fetches_the_copy_and_nothing_else(client: Client, agent: User) -> None:
    make_account(email=PERSON)
    request = confirmed(represented(), "rep")
    representatives.judge(request, accepted=True, words="Called.", by=agent, now=NOW)
    request = released(request, agent)
    assert "[link]" in to_lawyer()["representative-copy"]
    Package.objects.update(expires_at=timezone.now() + timedelta(days=1))
    issued = verification.issue(request, now=timezone.now(), to_representative=True)
    # Their link and code are none that open the page of the request.
    with pytest.raises(LinkSpent):
        verification.look(issued.token, now=timezone.now())
    with pytest.raises(LinkSpent):
        verification.match(request.reference, issued.code, now=timezone.now())
    page = reverse("release", args=[issued.token])
    assert client.get(page).status_code == 200
    opened = client.post(page, follow=True)
    there = reverse("released", args=[request.reference])
    assert opened.redirect_chain[-1][0] == there
    assert "Take the request back" not in opened.content.decode()
    assert client.post(page).status_code == 410  # once
    file = client.post(there)
    assert b"".join(file.streaming_content)[:2] == b"PK"  # type: ignore[attr-defined]
    assert Entry.objects.get(verb="request.downloaded").actor.startswith("representative:")
    status = client.get(reverse("request-status", args=[request.reference])).content.decode()
    assert "Show us that it is yours" in status
    representatives.choose(request, "person", now=NOW)
    assert client.post(there).status_code == 410


def test_a_representative_is_told_where_it_stands_by_mail_and_strangers_are_not(officer: User) -> None:
    request = confirmed(represented("complaint"), "rep")
    for address in (LAWYER, "stranger@x.example"):
        links.ask(request.reference, address, now=NOW)
    assert links.answer_all(NOW + timedelta(minutes=1)) == 2
    letters = to_lawyer()
    assert "confirmed and being worked on" in letters["representative-status"]
    assert "Nobody here has looked at your mandate yet" in letters["representative-status"]
    desk.refuse(request, reason="unfounded", words="", by=officer, now=NOW)
    run_steps()
    assert Message.objects.filter(template="representative-answer").count() == 0


@pytest.mark.parametrize("by_the_person", [False, True])
def test_whoever_was_rejected_hears_of_that_and_of_nothing_more(officer: User, by_the_person: bool) -> None:
    request = confirmed(represented("complaint"), "rep")
    links.ask(request.reference, LAWYER, now=NOW)
    links.answer_all(NOW + timedelta(minutes=1))  # queued, and not sent yet
    if by_the_person:
        representatives.choose(request, "nobody", now=NOW)
    else:
        representatives.judge(request, accepted=False, words="The signature differs.", by=officer, now=NOW)
    links.ask(request.reference, LAWYER, now=NOW + timedelta(minutes=10))
    links.answer_all(NOW + timedelta(minutes=11))
    desk.answer(request, outcome="granted", words="For Ana alone.", by=officer, now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=20))
    sent = Message.objects.filter(addressee="representative", state="done")
    assert [each.period_key for each in sent] == ([] if by_the_person else ["judged-rejected"])
    assert not any("For Ana alone" in (each.body or "") for each in sent)


def test_of_an_answer_that_was_taken_back_the_representative_gets_no_words(officer: User) -> None:
    request = confirmed(represented("complaint"), "rep")
    representatives.judge(request, accepted=True, words="Seen.", by=officer, now=NOW)
    desk.refuse(request, reason="unfounded", words="Nonsense.", by=officer, now=NOW)
    run_steps()
    request = desk.reopen(request, by=officer, now=NOW)
    run_steps()
    desk.refuse(request, reason="unfounded", words="", by=officer, now=NOW)
    run_steps()
    answers = Message.objects.filter(template="representative-answer").order_by("created_at", "pk")
    assert [each.written or "" for each in answers] == ["Nonsense.", ""]


# --- the paper -------------------------------------------------------------------------------------------------------
def test_the_paper_is_looked_at_under_a_log_and_goes_with_the_decision(
    client: Client, agent: User, officer: User
) -> None:
    lead, second = intake.submit_many(
        [
            Submission(kind, PERSON, claim=Claim("Lena Law", LAWYER, "lawyer", PDF))
            for kind in ("complaint", "objection")
        ],
        now=NOW,
    )
    confirmation.confirm_by_link(verification.issue(lead, now=NOW).token, now=NOW)
    run_steps()
    sign_in(client, agent)
    page = reverse("admin:privacy_request_change", args=[second.pk])
    assert "Lena Law" in client.get(page).content.decode()
    file = client.get(reverse("admin:privacy_request_open_mandate", args=[second.pk]))
    assert file.content == PDF
    assert "attachment" in file["Content-Disposition"]
    assert "sandbox" in file["Content-Security-Policy"]
    assert AccessEntry.objects.filter(table="privacy.mandatedocument", action="download", user=agent).count() == 1
    judged = reverse("admin:privacy_request_judge_mandate", args=[second.pk])
    assert "This field is required" in client.post(judged, {"accepted": "yes", "words": ""}).content.decode()
    client.post(judged, {"accepted": "yes", "words": "The bar's register knows them."})
    claim = Representative.objects.get()
    assert (claim.state, claim.decided_by) == ("accepted", agent)

    for number, request in enumerate((lead, second)):
        assert MandateDocument.objects.filter(destroyed_at=None).count() == 1, number
        desk.answer(Request.objects.get(pk=request.pk), outcome="granted", words="Done.", by=officer, now=NOW)
        run_steps()
    paper = MandateDocument.objects.get()
    assert (paper.content, paper.destroyed_at is not None) == (None, True)
    assert Entry.objects.get(verb="request.mandate_destroyed").subject == lead.ref
    assert client.get(reverse("admin:privacy_request_open_mandate", args=[second.pk])).status_code == 404
    assert representatives.forget(NOW + timedelta(days=29)) == 0
    deliver(timezone.now() + timedelta(minutes=1))
    assert representatives.forget(NOW + timedelta(days=31)) == 1
    claim.refresh_from_db()
    assert (claim.full_name, claim.email) == (None, None)


def test_a_request_that_nobody_confirms_lapses_with_its_paper() -> None:
    request = represented()
    assert sweeping.lapse_unconfirmed(NOW + timedelta(days=15)) == 1
    request.refresh_from_db()
    assert request.outcome == Outcome.UNCONFIRMED
    assert MandateDocument.objects.get().content is None
