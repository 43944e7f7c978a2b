"""The public pages: from the form to the file, and what strangers, scanners and strange input get."""

import io
import re
import zipfile
from datetime import timedelta
from unittest import mock

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import ConnectionError as BrokerDown

from crasme.staff.models import User
from privacy import throttle, wake
from privacy.models import ClockEvent, LinkAsk, Message, Person, Request, Verification
from privacy.services import approvals, links, plans, sweeping
from privacy.states import Outcome, State
from privacy.views import proof
from tests.builders import confirm_request, make_account, run_steps, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
NEW, SENT, CODE, LINK = (reverse(f"request-{name}") for name in ("new", "sent", "code", "link"))
ADDRESS = "ana@customer.example"
ANSWERS = {"kind": "access", "email": ADDRESS, "full_name": "Ana", "place": "", "details": "", "leave_empty": ""}


def ask(client: Client, **answers: str) -> Request:
    assert client.post(NEW, ANSWERS | answers).status_code == 302
    return Request.objects.latest("id")


def mailed() -> str:
    """The text of the last mail that goes out now."""
    deliver(timezone.now() + timedelta(seconds=1))
    return str(mail.outbox[-1].body)


def link_in(text: str) -> str:
    found = re.search(r"http://testserver(/requests/confirm/\S+)", text)
    assert found, text
    return found.group(1)


def code_in(text: str) -> str:
    found = re.search(r"\b\d{4} \d{4}\b", text)
    assert found, text
    return found.group()


def opened(client: Client, **answers: str) -> Request:
    """Asked, mailed, confirmed; the client has the page's cookie."""
    asked = ask(client, **answers)
    response = client.post(link_in(mailed()))
    assert response.status_code == 302
    asked.refresh_from_db()
    return asked


def status_of(asked: Request) -> str:
    return reverse("request-status", args=[asked.reference])


# --- asking ----------------------------------------------------------------------------------------------------------
def test_a_request_is_stored_with_its_clock_before_anybody_confirms(client: Client) -> None:
    asked = ask(client, details="Everything since 2020, please.")
    assert (asked.state, asked.channel, asked.language) == (State.RECEIVED, "web", "en")
    assert asked.details == "Everything since 2020, please."
    assert (asked.promise_due - asked.received_on).days == 30
    assert ClockEvent.objects.get(request=asked).kind == "received"
    assert not asked.steps.exists()


def test_known_and_unknown_addresses_get_the_same_answer_and_cause_the_same_writes(client: Client) -> None:
    make_account(email=ADDRESS)
    answers = []
    for address in (ADDRESS, "nobody@elsewhere.example"):
        visitor = Client()
        response = visitor.post(NEW, ANSWERS | {"email": address})
        page = visitor.get(response["Location"])
        assert b"the company that runs Crasme CRM" in page.content
        text = re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", page.content)
        answers.append((response.status_code, response["Location"].partition("%3A")[0], sorted(response.headers), text))
        asked = Request.objects.latest("id")
        assert asked.messages.count() == 1
        assert asked.person.account is None  # nothing is looked up before the mailbox is proven
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"kind": ""}, "Choose what you would like"),
        ({"kind": "everything"}, "Choose one of the rights"),
        ({"email": ""}, "Give the e-mail address"),
        ({"email": "ana@@x"}, "should look like name@example.com"),
        ({"details": "a\x00b"}, "Null characters"),
        ({"full_name": "a\x1bb"}, "control character U+001B"),
        ({"details": "x" * 5001}, "at most 5000"),
        ({"details": "my card 4111 1111 1111 1111"}, "payment card number"),
        ({"leave_empty": "http://spam.example"}, "recognise programs"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, answers: dict[str, str], words: str) -> None:
    response = client.post(NEW, ANSWERS | answers)
    assert response.status_code == 422
    html = response.content.decode()
    assert words in html
    assert 'role="alert"' in html
    assert not Request.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "\u202e\u202dright to left",
        "👩‍👩‍👧‍👦 Ω≈ç√∫",
        "<script>alert(1)</script>",
        "'; DROP TABLE privacy_request;--",
        "{{ 7*7 }}",
        "\ufeff\u200b",
        "Robert\r\nBcc: all@example.com",
        "%s%n${jndi:ldap://x}",
        "ＡＢＣ．ｃｏｍ",
        "\ufffd" * 50,
    ],
)
def test_strange_text_is_stored_as_it_is_and_never_a_fault(client: Client, text: str) -> None:
    asked = ask(client, details=text, full_name=text[:50])
    assert asked.details == (text.strip() if text.strip() != "\ufeff\u200b" else asked.details)
    for message in deliver(timezone.now() + timedelta(seconds=1)):
        assert "Bcc" not in message
        assert text[:10] not in str(message.get_payload())  # no words of strangers in mails to strangers


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"kind=access&email=%ED%A0%80@x.example", "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00kind", "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: form-data; name=kind\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"&".join(b"f%d=1" % number for number in range(1100)), "application/x-www-form-urlencoded"),
    ],
)
def test_malformed_bodies_are_the_senders_fault(client: Client, body: bytes, content_type: str) -> None:
    assert 400 <= client.post(NEW, body, content_type=content_type).status_code < 500


def test_one_mailbox_is_one_person_however_it_is_spelled(client: Client) -> None:
    for spelling in ("Ana@Customer.example", " ana@customer.EXAMPLE ", "ana@customer.example"):
        ask(client, email=spelling)
    assert Person.objects.get().requests.count() == 3


def test_a_name_is_the_persons_only_when_its_own_request_proved_the_mailbox(client: Client) -> None:
    stranger = ask(client, full_name="A stranger's joke")
    assert (stranger.full_name, stranger.person.full_name) == ("A stranger's joke", "")
    owner = confirm_request(ask(client, kind="correction", full_name="Ana Nováková"), now=timezone.now())
    assert Person.objects.get().full_name == "Ana Nováková"
    # It joins the stranger's request, and the name typed there still does not count.
    confirm_request(ask(client, full_name=""), now=timezone.now())
    stranger.refresh_from_db()
    assert stranger.confirmed_at is not None
    assert Person.objects.get().full_name == "Ana Nováková"
    assert owner.full_name == "Ana Nováková"


def test_too_many_tries_meet_a_friendly_page(client: Client) -> None:
    for _ in range(throttle.ASK_ADDRESS.times):
        ask(client)
    response = client.post(NEW, ANSWERS | {"details": "What I typed."})
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    html = response.content.decode()
    assert "Too much was sent from here" in html
    assert "support@crasme.com" in html  # another way
    assert "What I typed." in html  # and nothing is lost
    assert Request.objects.count() == throttle.ASK_ADDRESS.times


@pytest.mark.parametrize("kind", ["access", "deletion", "portability", "restriction", "correction", "complaint"])
def test_every_promised_right_can_be_asked_for(client: Client, kind: str) -> None:
    assert f'value="{kind}"' in client.get(NEW).content.decode()
    asked = opened(client, kind=kind, details="Please.")
    run_steps(timezone.now())
    asked.refresh_from_db()
    assert asked.state == State.REVIEW


def test_the_broker_and_the_counters_being_down_fail_no_submission(
    client: Client, django_capture_on_commit_callbacks: object
) -> None:
    wake._quiet_until = 0.0
    with (
        mock.patch("privacy.wake.current_app.send_task", side_effect=BrokerDown) as publish,
        mock.patch("crasme.kit.limits.count", side_effect=BrokerDown),
        django_capture_on_commit_callbacks(execute=True),  # type: ignore[operator]
    ):
        asked, _second = ask(client), ask(client)
    assert publish.call_count == 1  # the second visitor does not wait for the same time-out
    wake._quiet_until = 0.0
    announced = mock.Mock()
    with mock.patch("privacy.wake.current_app.send_task", announced):
        assert sweeping.wake_messages(timezone.now() + timedelta(minutes=1)) == 2
    assert announced.call_args_list[0].args == ("privacy.tasks.send",)
    assert announced.call_args_list[0].kwargs["args"] == (str(asked.messages.get().pk),)


# --- proving the mailbox ---------------------------------------------------------------------------------------------
def test_looking_at_the_link_changes_nothing_and_pressing_the_button_does(client: Client) -> None:
    asked = ask(client)
    link = link_in(mailed())
    for _ in range(3):
        page = client.get(link)
        assert page.status_code == 200
        assert page["Referrer-Policy"] == "strict-origin"
        assert "no-store" in page["Cache-Control"]
    asked.refresh_from_db()
    assert asked.state == State.RECEIVED
    assert proof.COOKIE not in client.cookies

    response = client.post(link)
    assert response["Location"] == status_of(asked)
    cookie = response.cookies[proof.COOKIE]
    assert cookie["httponly"]
    assert cookie["path"] == status_of(asked)
    asked.refresh_from_db()
    assert asked.state == State.CONFIRMED
    assert asked.steps.count() == 1


def test_pressing_twice_confirms_once_and_still_leads_to_the_page(client: Client) -> None:
    asked = ask(client)
    link = link_in(mailed())
    client.post(link)
    for again in (client.post(link), client.get(link)):
        assert again["Location"] == status_of(asked)
        assert proof.COOKIE not in again.cookies
    assert asked.steps.count() == 1
    assert asked.messages.filter(template="started").count() == 1
    # Somebody else who found the used link gets no further than the question for the mailbox.
    assert b"Show us that it is yours" in Client().get(status_of(asked)).content


def test_a_code_does_the_same_and_five_wrong_ones_spend_it(client: Client) -> None:
    asked = ask(client)
    code = code_in(mailed())
    for wrong in ("0000 0000", "1234", "²²²²²²²²", "x", "9" * 40):
        assert client.post(CODE, {"reference": asked.reference, "code": wrong}).status_code == 422
    assert client.post(CODE, {"reference": asked.reference, "code": code}).status_code == 422
    asked.refresh_from_db()
    assert asked.state == State.RECEIVED
    assert Verification.objects.get().attempts == 5

    other = ask(client, kind="deletion")
    typed = {"reference": other.reference.lower().replace("-", " "), "code": code_in(mailed()).replace(" ", "")}
    assert client.post(CODE, typed)["Location"] == status_of(other)
    other.refresh_from_db()
    assert other.state == State.CONFIRMED


def test_foreign_expired_and_invented_links_get_a_way_on(client: Client) -> None:
    ask(client)
    link = link_in(mailed())
    Verification.objects.update(created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now())
    for address in (link, link[:-3] + "x/", "/requests/confirm/%00/", "/requests/confirm/" + "é" * 300 + "/"):
        for response in (client.get(address), client.post(address)):
            assert response.status_code == 410
            assert b"Mail me a link" in response.content
    assert Request.objects.get().state == State.RECEIVED


def test_a_fresh_link_goes_only_to_the_mailbox_and_nobody_learns_whose_it_is(client: Client) -> None:
    asked = ask(client)
    mailed()
    before = Message.objects.count()
    answers = set()
    for reference, address in (
        (asked.reference, ADDRESS),
        (asked.reference, "other@customer.example"),
        ("PR-0000-0000", ADDRESS),
        (asked.reference, ADDRESS),  # pressed again at once: one mail
    ):
        response = client.post(LINK, {"reference": reference, "email": address})
        answers.add((response.status_code, response["Location"].partition("?")[0]))
    assert answers == {(302, SENT)}
    for typed in LinkAsk.objects.all():
        links.answer(typed.pk, now=timezone.now())
    assert Message.objects.count() == before + 1
    assert client.post(link_in(mailed())).status_code == 302


def test_the_page_of_a_request_looks_the_same_whether_it_exists_or_not(client: Client) -> None:
    asked = submit_request()
    pages = []
    for reference in (asked.reference, "PR-0000-0000"):
        html = Client().get(reverse("request-status", args=[reference])).content.decode()
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html).replace(reference, ""))
    assert pages[0] == pages[1]
    assert client.get("/requests/PR-OOOO-0000/").status_code == 404


def test_the_cookie_of_one_request_opens_no_other(client: Client) -> None:
    mine, other = opened(client), submit_request(email="other@customer.example")
    client.cookies[proof.COOKIE]["path"] = "/"
    assert b"What has happened" in client.get(status_of(mine)).content
    assert b"Show us that it is yours" in client.get(status_of(other)).content
    client.cookies[proof.COOKIE] = client.cookies[proof.COOKIE].value[:-1] + "x"
    assert b"Show us that it is yours" in client.get(status_of(mine)).content


# --- asking twice ----------------------------------------------------------------------------------------------------
def test_a_second_request_for_the_same_joins_the_first_and_never_delays_it(client: Client) -> None:
    first = submit_request(email=ADDRESS, now=timezone.now() - timedelta(days=5))
    second = ask(client)
    assert second.duplicate_of == first
    text = mailed()
    assert first.reference in text
    response = client.post(link_in(text))
    assert response["Location"] == status_of(first)
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.state == State.CONFIRMED
    assert (second.state, second.outcome, second.duplicate_of) == (State.CLOSED, Outcome.DUPLICATE, first)
    assert not second.steps.exists()
    assert (timezone.now().date() - first.received_on).days >= 4  # the earlier clock counts


def test_another_wish_of_the_same_person_is_a_request_of_its_own(client: Client) -> None:
    opened(client)
    other = opened(client, kind="deletion")
    assert other.duplicate_of is None
    assert other.state == State.CONFIRMED


# --- following, fetching, taking back --------------------------------------------------------------------------------
def test_the_person_fetches_the_copy_and_nobody_else_does(client: Client, agent: User) -> None:
    make_account(email=ADDRESS)
    asked = opened(client)
    run_steps(timezone.now())
    plan = plans.current(asked)
    assert plan is not None
    approvals.release(asked, plan_hash=plan.hash, by=agent, now=timezone.now())
    run_steps(timezone.now() + timedelta(seconds=10))
    package = asked.packages.get()
    address = reverse("request-download", args=[asked.reference])

    assert b"Download the copy" in client.get(status_of(asked)).content
    assert client.get(address)["Location"] == status_of(asked)
    assert Client().post(address)["Location"] == status_of(asked)
    package.refresh_from_db()
    assert package.downloads == 0

    response = client.post(address)
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert "no-store" in response["Cache-Control"]
    assert response["Content-Disposition"] == f'attachment; filename="{asked.reference}.zip"'
    assert len(content) == int(response["Content-Length"]) == package.size
    assert "index.html" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    package.refresh_from_db()
    assert package.downloads == 1

    package.made_at, package.expires_at = timezone.now() - timedelta(days=15), timezone.now()
    package.save()
    assert client.post(address).status_code == 302
    assert b"Download the copy" not in client.get(status_of(asked)).content


def test_a_person_can_take_a_request_back_once(client: Client) -> None:
    asked = opened(client)
    address = reverse("request-withdraw", args=[asked.reference])
    Client().post(address)
    asked.refresh_from_db()
    assert asked.is_open
    page = client.get(status_of(asked)).content.decode()
    asks = page[page.index("Take the request back") : page.index("Yes, go ahead")]
    assert "A copy of your data" in asks  # what is taken back is named, and asked once more
    for _ in range(2):
        assert client.post(address)["Location"] == status_of(asked)
    asked.refresh_from_db()
    assert (asked.state, asked.outcome) == (State.CLOSED, Outcome.WITHDRAWN)
    assert asked.messages.filter(template="withdrawn").count() == 1
    assert b"You took it back" in client.get(status_of(asked)).content


def test_what_is_being_executed_cannot_be_taken_back_and_the_page_says_so(client: Client) -> None:
    asked = opened(client)
    for move in ("collect", "present", "approve", "execute"):
        getattr(asked, move)()
        asked.save(update_fields=["state"])
    response = client.post(reverse("request-withdraw", args=[asked.reference]))
    assert response.status_code == 409
    assert b"cannot be done now" in response.content


def test_leaving_closes_the_page_on_this_computer(client: Client) -> None:
    asked = opened(client)
    response = client.post(reverse("request-leave", args=[asked.reference]))
    assert response.cookies[proof.COOKIE].value == ""


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar"])
def test_pages_and_mails_exist_in_every_language(client: Client, language: str) -> None:
    client.cookies["crasme_language"] = language
    asked = opened(client, email=f"{language}@customer.example")
    assert asked.language == language
    html = client.get(status_of(asked)).content.decode()
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html


def test_every_state_has_a_page(client: Client) -> None:
    asked = opened(client)
    seen = set()
    for move, arguments in (
        ("collect", {}), ("present", {}), ("approve", {}), ("execute", {}), ("answer", {"outcome": Outcome.PARTLY}),
        ("close", {"now": timezone.now()}),
    ):  # fmt: skip
        getattr(asked, move)(**arguments)
        asked.save()
        response = client.get(status_of(asked))
        assert response.status_code == 200
        seen.add(response.content)
    assert len(seen) == 6


def test_a_policy_s_number_that_no_database_can_hold_is_not_found(client: Client) -> None:
    assert client.get("/policy/%00/").status_code == 404
