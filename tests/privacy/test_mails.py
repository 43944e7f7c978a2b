"""Correspondence: rows first, mails second, and no secret left behind."""

import smtplib
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import product
from unittest import mock

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crasme.kit.claims import NotParked
from crasme.ledger.models import Entry
from crasme.staff.models import User
from privacy.correspondence import send as sending
from privacy.correspondence.catalogue import CATALOGUE
from privacy.correspondence.queue import enqueue
from privacy.correspondence.render import render
from privacy.correspondence.send import send
from privacy.models import Correction, Message, Recipient, RecipientNotice, Request, Verification
from privacy.services import approvals, desk, plans
from privacy.states import Outcome, State
from tests.builders import (
    NOW,
    confirm_request,
    make_account,
    make_invoice,
    make_organisation,
    reviewed_request,
    run_steps,
    sign_in,
    submit_request,
)
from tests.mailbox import Mailbox
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
LANGUAGES = ("en", "de", "fr", "es", "ar")


def one(request: Request) -> Message:
    return request.messages.get()


def test_every_template_renders_in_every_language(agent: User) -> None:
    make_invoice(make_account(email="ana@customer.example"))
    request = reviewed_request("deletion", "ana@customer.example")
    request.refusal_reason = Request.Refusal.EXCESSIVE
    recipient = Recipient.objects.first()
    notice = RecipientNotice.objects.create(
        request=request, recipient=recipient, act="erase", round=1, created_at=NOW, due_on=NOW.date(), token_digest="x"
    )
    correction = Correction.objects.create(
        request=request, label="crm.account", row="x", field="email", proposed="new@customer.example", proposed_at=NOW
    )
    to = {
        "recipient": {"recipient": recipient},
        "colleague": {"colleague": agent},
        "new_mailbox": {"correction": correction},
    }
    for entry, language in product(CATALOGUE.values(), LANGUAGES):
        request.language = language
        occasion = f"{notice.pk.hex}-{language}"
        message = enqueue(
            request, entry.name, period_key=occasion, now=NOW, written="Words of <b>ours</b> & more",
            addressee=entry.addressee, **to.get(entry.addressee, {}),
        )  # fmt: skip
        assert message is not None
        message.language = language  # colleagues read one language; their letters are translated all the same
        rendered = render(message, now=NOW)
        for text in (rendered.subject, rendered.text, rendered.html, rendered.record):
            assert text.strip(), entry.name
            assert "{{" not in text, entry.name
            assert "{%" not in text, entry.name
            assert (request.reference in text) != entry.unnamed, entry.name
        assert "\n" not in rendered.subject
        assert f'lang="{language}"' in rendered.html
        assert "<b>ours" not in rendered.html
        assert ("requests/confirm" in rendered.text) == entry.linked, entry.name
        assert "requests/confirm" not in rendered.record


def test_a_mail_goes_out_over_smtp_threaded_and_in_two_forms(mail_sink: Mailbox) -> None:
    request = submit_request(language="de")
    assert send(one(request).pk, now=NOW)
    (received,) = mail_sink.wait()
    assert received["To"] == "ana@customer.example"
    assert received["Message-ID"] == one(request).mail_id
    assert received["Auto-Submitted"] == "auto-generated"
    assert request.reference in received["Subject"]
    assert [part.get_content_type() for part in received.iter_parts()] == ["text/plain", "text/html"]
    plain = received.get_body(("plain",))
    assert isinstance(plain, EmailMessage)
    assert "/requests/confirm/" in plain.get_content()


def test_the_mails_of_a_request_are_one_conversation(agent: User) -> None:
    request = submit_request("access")
    confirm_request(request)
    first, second = deliver(NOW)
    root = first["References"]
    assert "In-Reply-To" not in first  # it answers nothing
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["References"].split() == [root, first["Message-ID"]]

    run_steps()
    request.refresh_from_db()
    enqueue(request, "link", period_key="w", now=NOW, written_by=agent)
    enqueue(
        request, "withdrawn", period_key="r", now=NOW, addressee="recipient", recipient=Recipient.objects.first()
    )  # a stranger to the conversation: their mail must not lie in the person's thread
    Recipient.objects.update(contact_email="desk@recipient.example")
    third, other = deliver(NOW + timedelta(hours=1))
    assert third["References"].split() == [root, first["Message-ID"], second["Message-ID"]]
    assert (third["In-Reply-To"], third["Auto-Submitted"]) == (second["Message-ID"], "no")
    assert (other["References"], "In-Reply-To" in other) == (root, False)
    assert not [name for mail in (first, third) for name in mail if name.startswith("List-")]


def test_a_second_try_is_the_same_mail(settings: Settings, mail_sink: Mailbox) -> None:
    message = one(submit_request())
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    assert not send(message.pk, now=NOW)
    settings.EMAIL_PORT = port
    send(message.pk, now=NOW + timedelta(minutes=1))
    assert mail_sink.wait()[0]["Message-ID"] == message.mail_id


def test_a_mail_that_came_back_is_seen_everywhere_and_can_be_sent_again(client: Client, agent: User) -> None:
    """The request's own state stays what it is: somebody answered it, whether or not the answer arrived."""
    sign_in(client, agent)
    request = reviewed_request("correction")
    desk.answer(request, outcome="granted", words="Done.", by=agent, now=NOW)
    run_steps()
    deliver(NOW)
    message = request.messages.get(template="answered")
    Message.objects.filter(pk=message.pk).update(bounced_at=NOW)  # the mail server told so, days later
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)

    shown = client.get(reverse("admin:privacy_request_changelist"), {"mail": "undelivered"}).context["cl"]
    assert list(shown.result_list) == [request]
    mails = client.get(reverse("admin:privacy_message_changelist"), {"mail": "undelivered"}).context["cl"]
    assert list(mails.result_list) == [message]
    page = client.get(reverse("admin:privacy_request_change", args=[request.pk])).content.decode()
    assert "A mail has not reached anybody" in page
    redrive = reverse("admin:privacy_message_redrive", args=[message.pk])
    assert redrive in page

    client.post(redrive)
    message.refresh_from_db()
    assert (message.state, message.bounced_at) == ("due", None)
    (again,) = deliver(timezone.now() + timedelta(minutes=1))
    assert again["Message-ID"] == message.mail_id
    assert not Request.objects.with_undelivered_mail().exists()
    with pytest.raises(NotParked):
        desk.redrive_work(message, by=agent, now=NOW)


def test_what_is_kept_of_a_mail_has_neither_address_nor_link(mail_sink: Mailbox) -> None:
    request = submit_request()
    send(one(request).pk, now=NOW)
    kept = one(request)
    assert kept.body is not None
    assert "[link]" in kept.body
    assert "/requests/confirm/" not in kept.body
    assert "ana@" not in f"{kept.body}{kept.subject}"
    token = Verification.objects.get().token_digest
    sent = mail_sink.wait()[0].as_string()
    assert token not in sent


def test_a_letter_looks_up_what_it_says_and_nothing_else() -> None:
    with CaptureQueriesContext(connection) as made:
        render(one(submit_request()), now=NOW)
    asked = " ".join(query["sql"] for query in made if query["sql"].startswith("SELECT"))
    said = {"privacy_controller", "privacy_letter"}
    unsaid = {"privacy_plan", "privacy_package", "privacy_alert", "retention_rule"}
    assert {table for table in said | unsaid if f'FROM "{table}"' in asked} == said


def test_ten_deliveries_send_one_mail(mail_sink: Mailbox) -> None:
    message = one(submit_request())
    assert [send(message.pk, now=NOW) for _ in range(10)].count(True) == 1
    assert len(mail_sink.wait()) == 1


def test_one_mail_an_occasion() -> None:
    request = submit_request()
    assert enqueue(request, "link", period_key="a", now=NOW) is not None
    assert enqueue(request, "link", period_key="a", now=NOW) is None
    assert enqueue(request, "link", period_key="b", now=NOW) is not None
    assert request.messages.filter(template="link").count() == 2


def test_a_mail_server_that_is_away_delays_the_mail_and_nothing_else(settings: Settings, mail_sink: Mailbox) -> None:
    request = submit_request()
    message = one(request)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    assert not send(message.pk, now=NOW)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.last_error) == ("due", 1, "smtp-connectionrefusederror")
    assert not send(message.pk, now=NOW)
    request.refresh_from_db()
    assert request.state == State.RECEIVED
    confirm_request(request)
    settings.EMAIL_PORT = port
    assert send(message.pk, now=NOW + timedelta(minutes=1))
    assert len(mail_sink.wait()) == 1


def test_a_server_that_stays_away_parks_the_mail_where_it_is_seen(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    message, now = one(submit_request()), NOW
    for _ in range(sending.MAX_ATTEMPTS):
        send(message.pk, now=now)
        now += timedelta(hours=2)
    message.refresh_from_db()
    assert message.state == "parked"
    assert Entry.objects.filter(verb="request.mail_failed").count() == 1


@pytest.mark.parametrize(("status", "state", "bounced"), [(550, "parked", True), (451, "due", False)])
def test_a_mailbox_that_does_not_exist_is_not_asked_for_ever(status: int, state: str, bounced: bool) -> None:
    message = one(submit_request())
    refusal = smtplib.SMTPRecipientsRefused({"ana@customer.example": (status, b"no ana@customer.example here")})
    with mock.patch("django.core.mail.EmailMultiAlternatives.send", side_effect=refusal):
        assert not send(message.pk, now=NOW)
    message.refresh_from_db()
    assert (message.state, message.bounced_at is not None) == (state, bounced)
    assert "ana@" not in str(list(Entry.objects.values("facts")))


def test_a_refusal_says_why_and_what_can_be_done(agent: User, officer: User) -> None:
    request = reviewed_request("access")
    desk.refuse(request, reason="excessive", words="We answered on 3 November.", by=officer, now=NOW)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.REFUSED)
    letters = request.messages.filter(template="refused")
    assert letters.count() == 1
    text = str(deliver(NOW + timedelta(minutes=1))[-1])
    assert "We answered on 3 November." in text
    assert "nothing has changed since" in text
    assert "data protection authority" in text


def test_a_request_by_hand_is_answered_in_the_agents_words(agent: User) -> None:
    request = reviewed_request("correction")
    desk.answer(request, outcome="granted", words="Your name is Ana Nováková now.", by=agent, now=NOW)
    run_steps()
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.CLOSED, Outcome.GRANTED)
    sent = deliver(NOW + timedelta(minutes=1))[-1]
    parsed = message_from_bytes(sent.as_bytes(), policy=policy.default)
    assert "Ana Nováková" in parsed.get_body(("plain",)).get_content()  # type: ignore[attr-defined]


def test_mails_to_people_do_not_carry_what_strangers_typed() -> None:
    submit_request(full_name="Win a prize at evil.example", details="http://evil.example")
    deliver(NOW)
    assert "evil" not in str(mail.outbox[-1].message())


def test_the_answer_to_an_erasure_names_what_is_kept_and_until_when(agent: User, officer: User) -> None:
    make_invoice(make_account(email="ana@customer.example"))
    request = reviewed_request("deletion", "ana@customer.example")
    plan = plans.current(request)
    assert plan is not None
    approvals.propose_erasure(request, plan_hash=plan.hash, by=agent, now=NOW)
    approvals.approve_erasure(request, plan_hash=plan.hash, by=officer, now=NOW)
    run_steps()
    deliver(NOW + timedelta(minutes=1))
    body = str(mail.outbox[-1].body)
    assert "Invoices (1): Tax and commercial law" in body
    assert "Until 22 Nov 2033" in body
    assert "within 30 days" in body
    assert "stays for 3 years" in body


def test_a_row_that_no_mail_can_be_made_of_parks_like_any_other() -> None:
    message, now = one(submit_request()), NOW
    Message.objects.filter(pk=message.pk).update(template="gone-since")  # a deployment mixed two versions
    for _ in range(sending.MAX_ATTEMPTS):
        assert not send(message.pk, now=now)
        now += timedelta(hours=2)
    message.refresh_from_db()
    assert (message.state, message.last_error) == ("parked", "no-such-letter")


def test_a_mail_whose_workers_die_is_parked_and_not_sent_for_ever() -> None:
    message, now = one(submit_request()), NOW
    Message.objects.filter(pk=message.pk).update(attempts=sending.MAX_ATTEMPTS)
    assert not send(message.pk, now=now)
    message.refresh_from_db()
    assert (message.state, message.last_error) == ("parked", "lease-lapsed")
    assert not mail.outbox


def test_the_day_that_a_person_is_told_never_moves_away() -> None:
    """Nobody knows whose law it is until the account is found; the strictest is for the desk, not for the letter."""
    make_account(email="ana@customer.example", organisation=make_organisation(country="AT"))
    request = submit_request(email="ana@customer.example")
    assert request.effective_due < request.promise_due == request.told_due
    request = reviewed_request(email="ana@customer.example")
    assert request.regime == "eu"
    assert request.told_due == request.effective_due <= request.promise_due
