"""Mail that machines send: bounces, delays, automatic answers, circulars, and somebody who writes without end."""

import pytest

from consent import suppression, unsubscribe
from consent.models import Suppression
from consent.models.addresses import address_hash
from crasme.ledger.models import Entry
from privacy.mailroom import sorting
from privacy.states import State
from tests.builders import NOW, confirm_request, submit_request
from tests.privacy.letters import ANA, came, delivery_report, letter, where
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("plain", [False, True])
def test_a_mail_that_comes_back_is_marked_and_nothing_else_changes(plain: bool) -> None:
    request = submit_request()
    deliver(NOW)
    message = request.messages.get()
    notice = delivery_report(message.mail_id)
    if plain:
        notice = letter(
            f"The following message could not be delivered: {message.mail_id}",
            sender="Mail Delivery System <mailer-daemon@mx.customer.example>",
            subject="Undelivered Mail Returned to Sender",
        )
    found = came(notice)
    assert where(found) == ("ignored", "bounce", "")
    assert "/requests/confirm/" not in (found.body or "")
    message.refresh_from_db()
    assert message.bounced_at == NOW
    request.refresh_from_db()
    assert (request.state, found.request) == (State.RECEIVED, request)
    assert Entry.objects.get(verb="request.mail_bounced").facts["code"] == ("" if plain else "5.1.1")
    assert suppression.is_suppressed(ANA) is not plain  # a mailbox that is not there gets no advertising either


MARKETING_RETURNED = """From: {sender}
To: support@crasme.com
Subject: {subject}
Message-ID: <{sender}-{number}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="=x"

--=x
Content-Type: text/plain

See the parts below.
--=x
Content-Type: message/{kind}

{said}
--=x
Content-Type: {quoted}

From: news@crasme.com
Subject: New in the product
List-Unsubscribe: <http://testserver/unsubscribe/{token}/>

--=x--
"""
BOUNCE = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; hidden@x.example\nAction: {}\nStatus: {}\n"
SPAM = "Feedback-Type: {}\nUser-Agent: Loop/1\nVersion: 1\n"


@pytest.mark.parametrize("quoted", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize(
    ("kind", "said", "reason"),
    [
        ("delivery-status", BOUNCE.format("failed", "5.1.1"), "bounced"),
        ("delivery-status", BOUNCE.format("failed", "5.7.1"), "bounced"),
        ("delivery-status", BOUNCE.format("delayed", "4.4.1"), None),
        ("delivery-status", BOUNCE.format("failed", "4.4.7"), None),
        ("feedback-report", SPAM.format("abuse"), "complained"),
        ("feedback-report", SPAM.format("not-spam"), None),
    ],
)
def test_marketing_that_comes_back_or_is_reported_is_not_sent_again(
    kind: str, said: str, reason: str | None, quoted: str
) -> None:
    """Known by its own way out alone: the report need not say whose it was, and a forged one shuts nothing."""
    tokens = unsubscribe.make_token(ANA, "marketing.features"), "A" * 98
    for number, token in enumerate(tokens):
        mail = MARKETING_RETURNED.format(
            sender="fbl@mx.example", subject="Report", kind=kind, said=said, quoted=quoted, token=token, number=number
        )
        assert where(came(mail.encode())) == ("ignored", "bounce", "")
    rows = Suppression.objects.values_list("address", "scope", "channel", "reason", "source")
    assert list(rows) == ([(address_hash(ANA), "marketing", "email", reason, "mail-server")] if reason else [])
    assert suppression.allowed(ANA, "marketing", "post")
    assert suppression.allowed(ANA, "service")


def test_a_delay_is_no_bounce_and_a_bounce_of_others_touches_nothing() -> None:
    request = submit_request()
    deliver(NOW)
    mail_id = request.messages.get().mail_id
    for notice in (
        delivery_report(mail_id, action="delayed", status="4.4.1"),
        delivery_report("<x@elsewhere.example>"),
    ):
        assert where(came(notice)) == ("ignored", "bounce", "")
    assert request.messages.get().bounced_at is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Auto_Submitted": "auto-replied"}, ("ignored", "auto_reply", "")),
        ({"X_Autoreply": "yes"}, ("ignored", "auto_reply", "")),
        ({"Precedence": "auto_reply"}, ("ignored", "auto_reply", "")),
        ({"Precedence": "bulk"}, ("ignored", "auto_reply", "")),
        ({"List_Id": "<news.elsewhere.example>"}, ("ignored", "auto_reply", "")),
        ({"From": "no-reply@shop.example"}, ("ignored", "auto_reply", "")),
        ({"From": "support@crasme.com", "Auto_Submitted": "auto-generated"}, ("ignored", "loop", "")),
        ({"From": "support@crasme.com"}, ("triage", "unclear", "unclear")),
        ({"Auto_Submitted": "no"}, ("triage", "unclear", "unclear")),
    ],
)
def test_machines_are_recognised_and_not_answered(headers: dict[str, str], expected: tuple[str, str, str]) -> None:
    found = came(letter("I am out of the office until Monday.", **headers))
    assert where(found) == expected
    assert deliver(NOW) == []


def test_a_machine_s_answer_to_us_is_no_reply_and_a_wish_in_a_circular_is_seen() -> None:
    request = confirm_request(submit_request("deletion"))
    (ours, *_rest) = deliver(NOW)
    answer = letter(
        "I am away.", subject=f"Automatic reply: {ours['Subject']}", Auto_Submitted="auto-replied",
        In_Reply_To=str(ours["Message-ID"]),
    )  # fmt: skip
    assert where(came(answer)) == ("ignored", "auto_reply", "")
    assert not request.messages.filter(direction="in").exists()
    looped = letter("Again.", sender="relay@elsewhere.example", Message_ID=str(ours["Message-ID"]))
    assert where(came(looped)) == ("ignored", "loop", "")
    broker = letter("Under GDPR Art. 17 we ask you to delete the data.", List_Unsubscribe="<mailto:u@agent.example>")
    found = came(broker)
    assert where(found) == ("triage", "unclear", "bulk")
    assert found.suggested_kinds == ["deletion"]


def test_somebody_who_writes_without_end_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "MANY", 2)
    assert [came(letter(f"Mail {number}.")).why for number in range(3)] == ["unclear", "unclear", "too_many"]
