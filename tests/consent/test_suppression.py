import uuid
from datetime import datetime

import pytest
from django.test import Client
from hypothesis import given, strategies as st
from pytest_django import DjangoAssertNumQueries

from consent import suppression, topics, unsubscribe
from consent.errors import LiftRefused, UnknownScope
from consent.models import MarketingChoice, Suppression
from crasme.crm.services import corrections
from crasme.ledger.models import Entry
from tests.builders import make_account

ADDRESS = "Åsa.Öberg@Example.COM"


SCOPES = ("marketing", "marketing.announcements", "marketing.features")


def suppress(email: str, now: datetime, **given: str) -> tuple[Suppression, bool]:
    defaults = {"scope": "marketing", "reason": "objected", "source": "staff", "actor": "staff:1"}
    return suppression.suppress(email, now=now, **defaults | given)


def test_every_spelling_is_the_same_mailbox(db: None, now: datetime) -> None:
    suppress(ADDRESS, now)
    assert suppression.is_suppressed("  åsa.öberg@example.com")
    assert not suppression.is_suppressed("asa.oberg@example.com")


def test_twice_is_once_and_the_first_reason_stays(db: None, now: datetime) -> None:
    first, created = suppress(ADDRESS, now)
    again, created_again = suppress(ADDRESS.lower(), now, reason="bounced")
    assert (created, created_again) == (True, False)
    assert again == first
    assert Suppression.objects.get().reason == "objected"
    assert Entry.objects.filter(verb="consent.suppressed").count() == 1


def test_the_evidence_names_nobody(db: None, now: datetime) -> None:
    row, _created = suppress(ADDRESS, now)
    entry = Entry.objects.get(verb="consent.suppressed")
    assert entry.subject == suppression.person_ref(ADDRESS)
    assert entry.facts == {"scope": "marketing", "reason": "objected", "source": "staff"}
    assert "example" not in f"{row} {row.__dict__} {entry.__dict__}".lower()


def test_a_wide_scope_covers_its_parts_and_not_the_other_way(db: None, now: datetime) -> None:
    suppress("all@example.com", now)
    suppress("news@example.com", now, scope="marketing.announcements")
    assert suppression.is_suppressed("all@example.com", "marketing.features")
    assert suppression.is_suppressed("news@example.com", "marketing.announcements")
    assert not suppression.is_suppressed("news@example.com", "marketing.features")
    assert not suppression.is_suppressed("news@example.com")


def test_an_opt_out_follows_its_person_to_a_corrected_address(db: None, now: datetime) -> None:
    account = make_account(email="before@customer.example")
    suppress("before@customer.example", now, scope="marketing.features")
    suppress("before@customer.example", now, scope="marketing.announcements", reason="bounced")
    corrections.correct(account, actor="staff:1", now=now, email="after@customer.example")
    assert suppression.is_suppressed("after@customer.example", "marketing.features")
    # What came back was the former mailbox.
    assert not suppression.is_suppressed("after@customer.example", "marketing.announcements")
    assert suppression.is_suppressed("before@customer.example", "marketing.features")


@pytest.mark.parametrize("scope", sorted(suppression.ALWAYS_SENT))
def test_mail_about_the_service_is_never_blocked(db: None, now: datetime, scope: str) -> None:
    suppress(ADDRESS, now, reason="complained")
    assert not suppression.is_suppressed(ADDRESS, scope)
    assert suppression.check_many([ADDRESS], scope) == set()
    with pytest.raises(UnknownScope):
        suppress(ADDRESS, now, scope=scope)


def test_a_scope_with_a_typing_error_does_not_let_mail_out(db: None) -> None:
    with pytest.raises(UnknownScope, match="marketting"):
        suppression.is_suppressed(ADDRESS, "marketting")


def test_many_are_asked_at_once(db: None, now: datetime, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    suppress("p7@example.com", now)
    suppress("p9@example.com", now, scope="marketing.features")
    asked = [f"P{number}@example.com" for number in range(5_000)] + ["p7@EXAMPLE.com"]
    topics.all_topics()
    with django_assert_num_queries(1):
        found = suppression.check_many(asked, "marketing.features")
    assert found == {"P7@example.com", "p7@EXAMPLE.com", "P9@example.com"}


def test_only_the_person_can_lift_it(db: None, now: datetime) -> None:
    suppress(ADDRESS, now)
    verification = uuid.uuid4()
    for actor in ("staff:1", "system:import", ""):
        with pytest.raises(LiftRefused):
            suppression.lift(ADDRESS, verification=verification, actor=actor, now=now)
    assert suppression.is_suppressed(ADDRESS)
    assert suppression.lift(ADDRESS.upper(), verification=verification, actor="person:email:1", now=now) == 1
    assert not suppression.is_suppressed(ADDRESS)
    facts = Entry.objects.get(verb="consent.suppression_lifted").facts
    assert facts == {"scope": "marketing", "verification": str(verification)}
    assert suppression.lift(ADDRESS, verification=verification, actor="person:email:1", now=now) == 0


@pytest.mark.django_db
@given(st.emails(), st.sampled_from(SCOPES))
def test_a_token_says_to_us_what_was_put_into_it_and_to_others_nothing(email: str, scope: str) -> None:
    token = unsubscribe.make_token(email, scope)
    target = unsubscribe.read_token(token)
    assert target is not None
    assert (target.scope, target.subject) == (scope, suppression.person_ref(email))
    assert target.hashed not in token
    assert len(token) <= 128
    for broken in (token[:-2], f"A{token}", token[1:], token.swapcase(), f"{token}A"):
        assert unsubscribe.read_token(broken) is None


def test_the_mail_headers_are_those_of_rfc_8058(db: None) -> None:
    headers = unsubscribe.headers(ADDRESS)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<http://testserver/unsubscribe/")
    assert headers["List-Unsubscribe"].endswith("/>")
    assert "@" not in headers["List-Unsubscribe"]


# --- RFC 8058 --------------------------------------------------------------------------------------------------------
ONE_CLICK = "List-Unsubscribe=One-Click"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
SCANNER = {"HTTP_USER_AGENT": "MailScanner/5", "HTTP_ACCEPT": "*/*", "HTTP_REFERER": "https://mail.example/inbox"}
# What a mail program or a person sends → what comes back. Section 3.2: the sender needs no cookie, nothing but the
# address says who it is, and whatever answers must not redirect.
BODIES: list[tuple[str, str | bytes, str, dict[str, str]]] = [
    ("urlencoded, as the RFC has it", ONE_CLICK, URLENCODED, {}),
    ("multipart, as the RFC has it", MULTIPART, "multipart/form-data; boundary=x", {}),
    ("with a charset", ONE_CLICK, f"{URLENCODED}; charset=utf-8", {}),
    ("the button on the page", "", URLENCODED, {}),
    ("other keys beside it", f"{ONE_CLICK}&utm_source=mail&email=a%40b.example", URLENCODED, {}),
    ("another key alone", "confirm=1", URLENCODED, {}),
    ("another case", "list-unsubscribe=one-click", URLENCODED, {}),
    ("a broken multipart body", "not what it says", "multipart/form-data; boundary=x", {}),
    ("multipart without a boundary", MULTIPART, "multipart/form-data", {}),
    ("broken percent signs", "List-Unsubscribe=%zz%", URLENCODED, {}),
    ("bytes of no kind", b"\xff\x00", "application/octet-stream", {}),
    ("JSON", '{"List-Unsubscribe": "One-Click"}', "application/json", {}),
    ("from another site's page", ONE_CLICK, URLENCODED, {"HTTP_ORIGIN": "https://webmail.example"}),
    ("with stale cookies", ONE_CLICK, URLENCODED, {"HTTP_COOKIE": "crasme_session=gone"}),
]


@pytest.mark.parametrize(("body", "kind", "headers"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_one_click_needs_nothing_but_the_token(db: None, body: str | bytes, kind: str, headers: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True)
    path = f"/unsubscribe/{unsubscribe.make_token(ADDRESS)}/"
    answers = []
    for _time in range(2):
        response = client.post(path, body, content_type=kind, **headers)  # type: ignore[arg-type]
        assert (response.status_code, response.get("Location")) == (200, None)
        assert not any(cookie.value for cookie in response.cookies.values())  # one that is stale may be removed
        answers.append(response.content)
    assert answers[0] == answers[1]
    row = Suppression.objects.get()
    assert (row.reason, row.source, row.scope, row.channel) == (
        "unsubscribed",
        "unsubscribe-link",
        "marketing",
        "email",
    )
    assert suppression.is_suppressed(ADDRESS)
    assert Entry.objects.get(verb="consent.suppressed").actor == f"person:{suppression.person_ref(ADDRESS)}"
    choice = MarketingChoice.objects.get()  # once, however often it came
    assert (choice.action, choice.surface) == ("unsubscribe", "link")
    assert choice.computed_digest() == choice.digest
    assert choice.choices["announcements.email"] is False


def test_scanners_change_nothing_and_learn_nothing(db: None) -> None:
    client, path = Client(), f"/unsubscribe/{unsubscribe.make_token(ADDRESS)}/"
    before = [client.get(path, **SCANNER).content for _time in range(3)]  # type: ignore[arg-type]
    for method, status in (
        ("get", 200),
        ("head", 200),
        ("options", 405),
        ("put", 405),
        ("delete", 405),
        ("trace", 405),
    ):
        response = getattr(client, method)(path, **SCANNER)
        assert (method, response.status_code, dict(response.cookies)) == (method, status, {})
        assert status == 200 or response["Allow"] == "GET, HEAD, POST"
    assert not Suppression.objects.exists()
    assert len(set(before)) == 1
    assert b"example.com" not in before[0].lower()
    assert "no-store" in client.get(path)["Cache-Control"]


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_does_nothing(client: Client, db: None, method: str) -> None:
    response = getattr(client, method)(f"/unsubscribe/{unsubscribe.make_token(ADDRESS)}/")
    assert response.status_code == 200
    assert not response.cookies
    assert not Suppression.objects.exists()
    if method == "get":
        assert b"does not unsubscribe you" in response.content
        assert b'<form method="post"' in response.content


def test_a_lost_slash_is_no_redirect(client: Client, db: None) -> None:
    response = client.post(f"/unsubscribe/{unsubscribe.make_token(ADDRESS)}", ONE_CLICK, content_type="text/plain")
    assert response.status_code == 200
    assert suppression.is_suppressed(ADDRESS)


@pytest.mark.parametrize("token", ["x", "A" * 98, "A" * 200])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_token_of_somebody_elses_making_gets_no_hint(client: Client, db: None, token: str, method: str) -> None:
    response = getattr(client, method)(f"/unsubscribe/{token}/")
    assert response.status_code == 404
    assert b"This link does not work" in response.content
    assert not Suppression.objects.exists()
