"""Mail that comes in: each ends in a correspondence, as a request, or before a person; no machine is answered."""

import io
import json
import zipfile
from base64 import b64decode
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from pytest_django import Settings

from crasme.crm.models import Account
from crasme.kit import datamap
from crasme.kit.datamap import Subject
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.correspondence.queue import enqueue, mail_domain
from privacy.errors import Incomplete, MoveNotAllowed, NotYours
from privacy.mailroom import identity, receive, replies, sorting, triage
from privacy.mailroom.files import File
from privacy.models import Attachment, InboundMail, Message, Person, Recipient, Request
from privacy.packages import build, crypt, files, rows
from privacy.services import approvals, desk, plans, sweeping, writing
from privacy.states import State
from retention.services import run_due
from tests.builders import NOW, confirm_request, make_account, make_user, reviewed_request, run_steps, submit_request
from tests.privacy.letters import ANA, PDF, PNG, VERIFIED, came, letter, where
from tests.privacy.mails import deliver, read_all

pytestmark = pytest.mark.django_db


# --- replies ---------------------------------------------------------------------------------------------------------
def test_a_reply_is_filed_by_thread_by_mail_and_by_reference() -> None:
    request = confirm_request(submit_request())
    (first, *_rest) = deliver(NOW)
    for number, headers in enumerate(
        (
            {"In_Reply_To": str(first["Message-ID"])},
            {"References": f"<a@elsewhere.example> <{request.pk}@{mail_domain()}>"},
            {"Subject": f"AW: Your request [{request.reference.lower()}]"},
        ),
        start=1,
    ):
        found = came(letter(f"My answer {number}.\n\n> Your request for deletion of your data", **headers))
        assert where(found) == ("filed", "reply", "")
        assert found.request == request
        message = Message.objects.get(pk=found.pk)
        assert (message.direction, message.state, message.addressee) == ("in", "done", "person")
        assert f"My answer {number}." in (message.body or "")
        assert message.origin_id.endswith("@mail.customer.example>")
        # The words stand in the correspondence; of the mail only the envelope stays.
        assert (found.raw, found.body, found.subject, found.sender) == (None, None, None, None)
    assert Message.objects.filter(request=request).unread().count() == 3
    assert Entry.objects.filter(verb="request.reply_arrived", subject=request.ref).count() == 3
    request.refresh_from_db()
    assert request.state == State.CONFIRMED
    assert Request.objects.count() == 1


def test_our_next_mail_answers_theirs(agent: User) -> None:
    request, other = reviewed_request(), confirm_request(submit_request(email="bob@elsewhere.example"))
    deliver(NOW)
    came(letter("When?", Subject=request.reference, Message_ID="<when@mail.customer.example>"))
    answered = list(Message.objects.unread().values_list("pk", flat=True))
    came(letter("And where?", Subject=request.reference, Message_ID="<where@mail.customer.example>"))
    stranger = replies.reply(other, text="Mine.", file=None, now=NOW)
    writing.write(request, words="Soon. <b>Truly</b>.", read=[*answered, stranger.pk], by=agent, now=NOW)
    # What the colleague has not seen stays unread, and so does what is not of this conversation.
    assert {each.body.strip() for each in Message.objects.unread()} == {"And where?", "Mine."}
    (sent,) = deliver(NOW + timedelta(minutes=1))
    assert sent["In-Reply-To"] == "<where@mail.customer.example>"
    assert sent["References"].split()[0] == f"<{request.pk}@{mail_domain()}>"
    assert sent["References"].split()[-1] == "<where@mail.customer.example>"
    assert "Soon." in sent.as_string()
    assert "<b>Truly" not in str(sent.get_payload()[1])
    for words, error in (("  ", Incomplete), ("4111 1111 1111 1111", ValidationError)):
        with pytest.raises(error):
            writing.write(request, words=words, by=agent, now=NOW)
    with pytest.raises(MoveNotAllowed):
        writing.write(submit_request("deletion"), words="Who are you?", by=agent, now=NOW)
    with pytest.raises(NotYours):
        writing.write(request, words="Hello.", by=make_user(), now=NOW)


def test_a_stranger_s_mail_enters_nobody_s_correspondence(agent: User) -> None:
    request = confirm_request(submit_request())
    sent = len(deliver(NOW))
    found = came(letter("What about it?", sender="mallory@elsewhere.example", subject=f"Re: {request.reference}"))
    assert where(found) == ("triage", "unclear", "stranger")
    assert (found.suggested, found.request) == (request, None)
    with pytest.raises(MoveNotAllowed, match="nobody wrote to"):
        triage.file_to(found, reference=request.reference, by=agent, now=NOW)
    assert not request.messages.filter(direction="in").exists()
    assert (len(deliver(NOW)), len(mail.outbox)) == (0, sent)


def test_a_recipient_s_answer_is_filed_as_theirs_and_shown_to_them_alone() -> None:
    request = confirm_request(submit_request())
    recipient = Recipient.objects.first()
    assert recipient is not None
    recipient.contact_email = "privacy@processor.example"
    recipient.save()
    message = enqueue(
        request, "started", period_key="r", now=NOW, addressee=Message.Addressee.RECIPIENT, recipient=recipient
    )
    assert message is not None
    found = came(letter("Done.", sender="privacy@processor.example", In_Reply_To=message.mail_id))
    assert where(found) == ("filed", "reply", "")
    received = Message.objects.get(pk=found.pk)
    assert (received.addressee, received.recipient) == ("recipient", recipient)
    assert received not in Message.objects.with_person()


def test_a_reply_to_somebody_forgotten_brings_nothing_back() -> None:
    request = confirm_request(submit_request())
    Person.objects.update(email="")
    found = came(letter("And now?", Subject=request.reference))
    assert where(found) == ("triage", "unclear", "forgotten")
    assert not request.messages.filter(direction="in").exists()


def test_the_secret_of_a_quoted_letter_is_not_kept(agent: User) -> None:
    request = submit_request()
    (ours,) = deliver(NOW)
    quoted = ours.get_payload()[0].get_payload(decode=True).decode()
    found = came(letter(f"Here it is, card 4111 1111 1111 1111.\n\n{quoted}", subject=f"Re: {ours['Subject']}"))
    body = Message.objects.get(pk=found.pk).body or ""
    assert "Here it is" in body
    assert "/requests/confirm/" not in body
    assert "4111" not in body
    assert not any(part in body for part in quoted.split() if len(part) == 4 and part.isdigit())
    assert Request.objects.get() == request


# --- requests --------------------------------------------------------------------------------------------------------
def test_a_clear_wish_becomes_linked_requests_from_the_day_of_its_arrival() -> None:
    arrived = NOW - timedelta(days=3)
    words = "Bitte senden Sie mir eine Kopie meiner Daten und löschen Sie danach mein Konto, Wiedehopf."
    found = came(
        letter(words, sender='"Novák, Ana" <ANA@Customer.example>', files={"pass.png": PNG}), arrived_at=arrived
    )
    assert where(found) == ("filed", "request", "")
    lead, linked = Request.objects.order_by("pk")
    assert (lead.kind, linked.kind, linked.lead) == ("access", "deletion", lead)
    for request in (lead, linked):
        assert (request.channel, request.language, request.state) == ("email", "de", State.RECEIVED)
        assert (request.received_at, (request.promise_due - arrived.date()).days) == (arrived, 30)
    assert (lead.details, linked.details) == (words, None)
    message = lead.messages.get(direction="in")
    assert message.attachments.get().content == PNG
    # The same proof as for the form, to the address that the mail came from.
    (asked,) = deliver(NOW)
    assert (asked["To"], asked["In-Reply-To"]) == (ANA, message.origin_id)
    assert "Wiedehopf" not in asked.as_string()
    confirm_request(lead)
    assert {each.state for each in Request.objects.all()} == {State.CONFIRMED}


def test_a_child_s_account_is_suggested_as_such_with_its_shorter_clock() -> None:
    found = came(letter("Please delete my son's account, he is eleven."))
    assert where(found) == ("triage", "unclear", "on_behalf")
    assert (found.suggested_kinds, (found.due - NOW.date()).days) == (["child"], 5)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("How do I delete a contact from my CRM?", "unclear"),
        ("Please do not delete my data!", "unclear"),
        ("I have a question about my personal data.", "unclear"),
        ("Please delete my account, on behalf of my client.", "on_behalf"),
    ],
)
def test_what_is_not_clear_waits_for_a_person_and_nobody_is_answered(text: str, why: str, agent: User) -> None:
    found = came(letter(text))
    assert where(found) == ("triage", "unclear", why)
    assert text in (found.body or "")
    assert (found.raw, found.settled_at) == (None, None)
    assert deliver(NOW) == []
    (made,) = triage.make_requests(found, kinds=["deletion"], language="en", by=agent, now=NOW + timedelta(days=9))
    assert (made.received_at, made.entered_by, made.details) == (NOW, agent, text)
    assert [each["To"] for each in deliver(NOW + timedelta(days=9))] == [ANA]
    found.refresh_from_db()
    assert (found.status, found.request, found.settled_by, found.body) == ("filed", made, agent, None)
    with pytest.raises(MoveNotAllowed):
        triage.no_request(found, by=agent, now=NOW)


def test_a_person_s_other_question_is_put_beside_their_request(agent: User) -> None:
    request = confirm_request(submit_request())
    found = came(letter("Is there any news?", files={"a.pdf": PDF}))
    assert where(found) == ("triage", "unclear", "guess")
    assert found.suggested == request
    message = triage.file_to(found, reference=request.reference, by=agent, now=NOW)
    assert message.attachments.get().content == PDF
    assert Message.objects.filter(request=request).unread().count() == 1


def test_one_too_many_an_hour_waits_for_a_person() -> None:
    found = [came(letter(f"Please delete all my data. {number}")) for number in range(6)]
    assert [each.status for each in found] == ["filed"] * 5 + ["triage"]
    assert (found[-1].why, found[-1].suggested_kinds) == ("too_many", ["deletion"])


# --- storing and failing ---------------------------------------------------------------------------------------------
def test_the_same_mail_is_one_row_by_whatever_way_it_comes() -> None:
    raw = letter("Please delete my account.")
    first = came(raw)
    assert receive.receive(raw, source="imap", now=NOW) is None
    by_imap = b"Received: from mx by us\nDelivered-To: support@crasme.com\n" + raw
    assert receive.receive(by_imap.replace(b"\n", b"\r\n") + b"\r\n", source="imap", now=NOW) is None
    assert not sorting.sort(first.pk, now=NOW + timedelta(hours=1))
    assert (InboundMail.objects.count(), Request.objects.count()) == (1, 1)
    nameless = b"Subject: x\nDate: today\n\nHello."
    assert came(nameless).status == "triage"
    assert receive.receive(nameless.replace(b"today", b"tomorrow"), source="pipe", now=NOW) is not None


def test_what_breaks_its_reader_is_seen_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch, officer: User) -> None:
    found = receive.receive(letter("Please delete my account."), source="pipe", now=NOW)
    assert found is not None

    def broken(raw: bytes) -> None:
        raise ZeroDivisionError("ana@customer.example")

    with monkeypatch.context() as patch:
        patch.setattr(sorting, "parse", broken)
        for hour in range(sorting.MAX_ATTEMPTS):
            assert not sorting.sort(found.pk, now=NOW + timedelta(hours=hour))
    found.refresh_from_db()
    assert (found.status, found.state, found.last_error) == ("failed", "parked", "error-zerodivisionerror")
    assert found.raw is not None
    assert found in InboundMail.objects.waiting()
    triage.sort_again(found, by=officer, now=NOW)
    assert sweeping.wake_mails(NOW + timedelta(minutes=1)) == 1
    assert sorting.sort(found.pk, now=NOW + timedelta(hours=3))
    assert Request.objects.get().received_at == NOW


def test_a_worker_that_dies_half_way_leaves_nothing_and_the_next_one_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = receive.receive(letter("Please delete my account.", files={"a.png": PNG}), source="pipe", now=NOW)
    assert found is not None
    with monkeypatch.context() as patch:
        patch.setattr(sorting, "_end", lambda *args, **more: (_ for _ in ()).throw(MemoryError))
        assert not sorting.sort(found.pk, now=NOW)
    assert [model.objects.count() for model in (Request, Message, Attachment)] == [0, 0, 0]
    assert sorting.sort(found.pk, now=NOW + timedelta(minutes=1))
    assert (Request.objects.count(), Attachment.objects.count()) == (1, 1)


# --- files -----------------------------------------------------------------------------------------------------------
def test_files_are_judged_by_their_bytes_and_the_refused_leave_a_name_and_a_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("privacy.mailroom.files.LARGEST", 1000)
    sent = {
        "passport.exe": PNG, "letter.pdf": PDF, "picture.jpg": b"MZ\x90\x00", "bomb.zip": b"PK\x03\x04" + b"\0" * 99,
        "page.txt": b"<html><script>alert(1)</script>", "list.csv": "näme;ß\n".encode(),
        "card.txt": b"4111111111111111", "../../etc/passwd": b"root:x", "large.pdf": PDF + b"\0" * 1000,
    }  # fmt: skip
    found = came(letter("See the files, please.", files=sent))
    got = {each.their_name: (each.file_name, each.refused, each.size) for each in found.attachments.all()}
    assert got == {
        "passport.exe": ("attachment-1.png", "", len(PNG)),
        "letter.pdf": ("attachment-2.pdf", "", len(PDF)),
        "picture.jpg": ("attachment-3.bin", "type", 4),
        "bomb.zip": ("attachment-4.bin", "type", 103),
        "page.txt": ("attachment-5.bin", "type", 31),
        "list.csv": ("attachment-6.csv", "", 9),
        "card.txt": ("attachment-7.txt", "card", 16),
        "../../etc/passwd": ("attachment-8.txt", "", 6),
        "large.pdf": ("attachment-9.bin", "size", len(PDF) + 1000),
    }
    assert all((each.content is None) == bool(each.refused) for each in found.attachments.all())


def decide(request: Request, how: str, agent: User, officer: User) -> None:
    if how == "withdraw":
        desk.withdraw(request, actor="system:test", now=NOW)
    elif how == "refuse":
        desk.refuse(request, reason="identity", words="", by=officer, now=NOW)
    elif how == "answer":
        desk.answer(request, outcome="granted", words="Done.", by=agent, now=NOW)
    else:
        plan = plans.current(request)
        assert plan is not None
        approvals.release(request, plan_hash=plan.hash, by=agent, now=NOW)


@pytest.mark.parametrize(
    ("kind", "how"), [("access", "release"), ("access", "refuse"), ("objection", "answer"), ("access", "withdraw")]
)
def test_an_identity_document_is_destroyed_with_the_decision(kind: str, how: str, agent: User, officer: User) -> None:
    request = reviewed_request(kind)
    came(letter("My passport and a list.", Subject=request.reference, files={"passport.png": PNG, "list.txt": b"x, y"}))
    passport, other = Attachment.objects.order_by("pk")
    identity.mark(passport, identity=True, by=agent, now=NOW)
    read_all(request, by=agent)
    decide(request, how, agent, officer)
    passport.refresh_from_db()
    other.refresh_from_db()
    assert (passport.content, passport.their_name, passport.destroyed_at) == (None, None, NOW)
    assert other.content == b"x, y"
    assert Entry.objects.get(verb="request.identity_destroyed").facts == {"files": 1}
    with pytest.raises(MoveNotAllowed):
        identity.mark(passport, identity=False, by=agent, now=NOW)


# --- the page's form -------------------------------------------------------------------------------------------------
def test_an_answer_typed_on_the_page_is_filed_with_its_file() -> None:
    request = confirm_request(submit_request())
    message = replies.reply(request, text="Here it is.", file=File("scan.pdf", PDF), now=NOW)
    assert (message.body, message.attachments.get().content) == ("Here it is.", PDF)
    for text, file in (("4111 1111 1111 1111", None), ("", File("a.zip", b"PK\x03\x04")), ("x", File("b.txt", b""))):
        with pytest.raises(ValidationError):
            replies.reply(request, text=text, file=file, now=NOW)
    assert request.messages.filter(direction="in").count() == 1


# --- rights and ends -------------------------------------------------------------------------------------------------
def test_their_mail_is_shown_to_them_and_erased_with_them(agent: User, officer: User, settings: Settings) -> None:
    settings.MAIL_AUTHSERV_ID = "mx.crasme.example"
    make_account(email=ANA)
    early = came(VERIFIED + letter("A question from before."))
    assert early.person is None
    InboundMail.objects.update(sender_check="passed")  # our own server knows that it is theirs
    request = reviewed_request("deletion", ANA)
    early.refresh_from_db()
    assert early.person == request.person
    came(letter("My passport.", Subject=request.reference, files={"a.png": PNG}))
    subject = Subject.of(person=request.person_id)
    shown = [
        " ".join(map(str, row)) for label in ("InboundMail", "Attachment", "Message")
        for row in rows.read(datamap.table(f"privacy.{label}"), subject, 10)
    ]  # fmt: skip
    assert any("A question from before." in each for each in shown)
    assert any("My passport." in each for each in shown)
    plan = plans.current(request)
    assert plan is not None
    read_all(request, by=agent)
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=2))
    # Somebody must read first what they wrote.
    assert sweeping.forget_people(NOW + timedelta(minutes=3)) == 0
    triage.no_request(early, by=agent, now=NOW)
    assert sweeping.forget_people(NOW + timedelta(minutes=3)) == 1
    assert not InboundMail.objects.exists()
    assert not Attachment.objects.exists()
    assert list(request.messages.filter(direction="in").values_list("body", "origin_id")) == [(None, "")]
    assert Account.objects.get().status == Account.Status.ERASED


def test_their_copy_holds_the_files_that_they_sent(agent: User) -> None:
    request = reviewed_request()
    came(letter("Two files.", Subject=request.reference, files={"../a.png": PNG, "b.zip": b"PK\x03\x04"}))
    came(letter("Another.", sender="eve@elsewhere.example", Subject=request.reference, files={"c.pdf": PDF}))
    built = build.build(request, Subject.of(person=request.person_id), contacts=0, now=NOW)
    with files.path_of(built.file_name).open("rb") as file:
        plain = b"".join(crypt.opened(file, b64decode(built.key)))
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        sent = {name: archive.read(name) for name in archive.namelist() if name.startswith("files/")}
        listed = json.loads(archive.read("data/privacy-attachment.json"))
    ((name, content),) = sent.items()
    assert (name.endswith("-attachment-1.png"), ".." in name, content) == (True, False, PNG)
    assert [(row["their_name"], row["refused"]) for row in listed] == [("../a.png", ""), ("b.zip", "type")]
    assert all("content" not in row for row in listed)


def test_mail_that_was_settled_ends_after_ninety_days_and_what_waits_does_not(agent: User) -> None:
    settled, waiting = (came(letter(f"Mail {number}.", files={"a.png": PNG})) for number in range(2))
    request = confirm_request(submit_request())
    filed = came(letter("My answer.", Subject=request.reference, files={"b.png": PNG}))
    triage.no_request(settled, by=agent, now=NOW)
    settled.refresh_from_db()
    assert where(settled) == ("ignored", "no_request", "unclear")
    triage.look_again(settled, by=agent, now=NOW)
    triage.no_request(settled, by=agent, now=NOW)
    run_due(NOW + timedelta(days=89))
    assert InboundMail.objects.count() == 3
    run_due(NOW + timedelta(days=91))
    assert list(InboundMail.objects.all()) == [waiting]
    assert Message.objects.get(pk=filed.pk).attachments.count() == 1
    assert Attachment.objects.filter(mail__isnull=False).count() == 1
