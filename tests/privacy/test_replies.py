"""The correspondence on the page of a request: shown after proof, and added to without JavaScript."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.kit.limits import Limit
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER
from privacy import throttle
from privacy.errors import UnreadMail
from privacy.mailroom import replies
from privacy.models import Request
from privacy.services import approvals, desk, plans, writing
from privacy.views import proof
from tests.builders import NOW, confirm_request, make_account, make_user, reviewed_request, submit_request
from tests.privacy.letters import PDF
from tests.privacy.mails import deliver, read_all

pytestmark = pytest.mark.django_db


def opened(client: Client, request: Request) -> None:
    """The client has proven the mailbox."""
    response = HttpResponse()
    proof.grant(response, request)
    client.cookies.load({proof.COOKIE: response.cookies[proof.COOKIE].value})


def test_the_correspondence_is_shown_after_proof_and_can_be_added_to(client: Client, agent: User) -> None:
    now = timezone.now()
    request = confirm_request(submit_request(now=now), now=now)
    writing.write(request, words="Which <i>account</i>?", by=agent, now=now)
    deliver(timezone.now())
    address, reply = (reverse(f"request-{name}", args=[request.reference]) for name in ("status", "reply"))
    assert b"account" not in client.get(address).content
    client.post(reply, {"text": "I am a stranger."})
    assert not request.messages.filter(direction="in").exists()

    opened(client, request)
    page = client.get(address).content.decode()
    assert "Which &lt;i&gt;account" in page
    assert page.index("Answer by") < page.index("Received on") < page.index("life-title")  # as a phone shows it
    assert 'enctype="multipart/form-data"' in page
    upload = SimpleUploadedFile("proof.pdf", PDF, content_type="text/html")
    answer = client.post(reply, {"text": "The <b>blue</b> one.", "file": upload})
    assert (answer.status_code, answer["Location"]) == (302, f"{address}#letters")
    page = client.get(address).content.decode()
    assert "The &lt;b&gt;blue" in page
    assert "proof.pdf" in page
    message = request.messages.get(direction="in")
    assert (message.attachments.get().content, message.read_at) == (PDF, None)
    client.post(reverse("request-withdraw", args=[request.reference]))
    page = client.get(address).content.decode()
    places = [page.index(words) for words in ("You took it back", "Closed on", "Received on", "life-title")]
    assert places == sorted(places)
    client.post(reverse("request-leave", args=[request.reference]))
    assert "blue" not in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "Write something, or choose a file."),
        ({"text": "4111 1111 1111 1111"}, "payment card number"),
        ({"text": "a\x1bb"}, "control character U+001B"),
        ({"text": "x" * 10_001}, "at most 10000"),
        ({"file": SimpleUploadedFile("a.zip", b"PK\x03\x04")}, "We take PDF files"),
        ({"file": SimpleUploadedFile("a.txt", b"4111111111111111")}, "card number"),
        ({"file": SimpleUploadedFile("a.pdf", PDF + b"\0" * (10 * 1024 * 1024))}, "too large"),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field(client: Client, answers: dict[str, object], words: str) -> None:
    request = confirm_request(submit_request(now=timezone.now()), now=timezone.now())
    opened(client, request)
    answer = client.post(reverse("request-reply", args=[request.reference]), answers)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not request.messages.filter(direction="in").exists()


def test_nobody_floods_the_desk_from_the_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "REPLY_REFERENCE", Limit("reply-reference", times=1, seconds=3600))
    request = confirm_request(submit_request(now=timezone.now()), now=timezone.now())
    opened(client, request)
    address = reverse("request-reply", args=[request.reference])
    assert [client.post(address, {"text": "Hello."}).status_code for _ in range(2)] == [302, 429]
    assert request.messages.filter(direction="in").count() == 1


def test_no_verb_decides_over_a_letter_that_nobody_has_read(agent: User) -> None:
    officer = make_user(PRIVACY_OFFICER)

    def hash_of(asked: Request) -> str:
        return plans.current(asked).hash  # type: ignore[union-attr]

    verbs: dict[str, Callable[[Request], object]] = {
        "access": lambda asked: approvals.release(asked, plan_hash=hash_of(asked), by=agent, now=NOW),
        "deletion": lambda asked: approvals.propose_erasure(asked, plan_hash=hash_of(asked), by=officer, now=NOW),
        "restriction": lambda asked: approvals.grant(asked, ground="accuracy", by=agent, now=NOW),
        "complaint": lambda asked: desk.answer(asked, outcome="granted", words="So it is.", by=officer, now=NOW),
        "objection": lambda asked: desk.refuse(asked, reason="excessive", words="", by=officer, now=NOW),
    }
    for kind, decide in verbs.items():
        make_account(email=f"{kind}@customer.example")
        asked = reviewed_request(kind, f"{kind}@customer.example")
        replies.reply(asked, text="I take it back.", file=None, now=NOW)
        with pytest.raises(UnreadMail):
            decide(asked)
        asked.refresh_from_db()
        assert (asked.state, asked.outcome) == ("review", "")
        read_all(asked, by=agent)
        decide(asked)
