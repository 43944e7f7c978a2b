"""Strange input at every public door: an answer that says what is wrong, never a fault of the server, nothing stored
that nobody asked for, and no hint whether an address or a reference is known.
"""

from itertools import cycle
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from privacy.models import Request
from tests.builders import make_account, make_api_key, submit_request

pytestmark = pytest.mark.django_db
KNOWN = "ana@customer.example"
FORM = "application/x-www-form-urlencoded"
STRANGE = {
    "nul": b"a\x00b",
    "lone surrogate": b"\xed\xa0\x80",
    "not utf-8": b"\xff\xfe\xfa",
    "escape": b"\x1b[31m",
    "header": b"x\r\nBcc: all@example.com",
    "template": b"{{ 7*7 }}{% debug %}",
    "markup": b'"><script>alert(1)</script>',
    "right to left": "\u202eمرحبا\u2066".encode(),
    "astral": ("👩‍👩‍👧‍👦" * 40).encode(),
    "long": b"x" * 300_000,
    "number": b"9" * 400,
    "date": b"2026-02-31",
}
NAMES = (
    "kind", "email", "full_name", "place", "details", "reference", "code", "account", "about", "who", "answer",
    "outcome", "words", "body", "token", "altcha", "next", "language", "scope", "purpose", "ground", "consents",
)  # fmt: skip


def doors() -> list[str]:
    """Every public address that takes a form, with references and tokens that lead nowhere."""
    named = ("new", "code", "link", "child", "handoff", "representative")
    of_one = ("status", "reply", "withdraw", "resume", "leave", "download", "corrections", "link-for", "choose")
    tokens = ("request-confirm", "new-mailbox", "recipient-acknowledge", "referral", "release", "preferences-open")
    return [
        *(reverse(f"request-{name}") for name in named),
        *(reverse(f"request-{name}", args=["PR-0000-0000"]) for name in of_one),
        *(reverse(name, args=["x" * 43]) for name in tokens),
        reverse("released", args=["PR-0000-0000"]),
        reverse("language"),
        reverse("preferences"),
        reverse("preferences-handoff"),
        reverse("evidence-verify"),
    ]


@pytest.mark.parametrize("door", doors())
def test_no_door_breaks_and_nothing_is_stored(client: Client, door: str) -> None:
    most = 300_000 if door == reverse("request-new") else 10_000  # reading megabytes is the same at every door
    for meaning, value in STRANGE.items():
        body = "&".join(f"{name}={quote_from_bytes(value[:most])}" for name in NAMES)
        _answers(client.post(door, body, content_type=FORM), door, meaning)
    # An address is read by the same code whatever stands in it: each value in one of its places is enough.
    several = zip(NAMES, cycle(STRANGE.values()), strict=False)
    query = "&".join(f"{name}={quote_from_bytes(value[:100])}" for name, value in several)
    _answers(client.get(f"{door}?{query}"), door, "several")
    assert not Request.objects.exists()


def _answers(response: Any, door: str, meaning: str) -> None:
    assert response.status_code < 500, (door, meaning)
    assert b"<script>alert(1)" not in response.content, (door, meaning)
    cache.clear()  # the limits are tried elsewhere; here they would answer for the form


@pytest.mark.parametrize(
    "part", [b"a\x00b", b"\xed\xa0\x80", b"%00", b"..%2F..%2Fetc", "\u202e".encode(), b"x" * 2_000]
)
@pytest.mark.parametrize("prefix", ["/requests/confirm/", "/requests/new-mailbox/", "/recipients/acknowledge/",
                                    "/referrals/", "/requests/", "/policy/", "/unsubscribe/",
                                    "/preferences/open/"])  # fmt: skip
def test_strange_addresses_are_not_found(client: Client, prefix: str, part: bytes) -> None:
    address = f"{prefix}{quote_from_bytes(part)}/"
    assert client.get(address).status_code in (200, 301, 302, 400, 404, 410)
    assert client.post(address).status_code in (301, 302, 400, 403, 404, 405, 410, 422)


def test_somebody_elses_reference_opens_nothing_and_says_nothing(client: Client) -> None:
    make_account(email=KNOWN)
    known = submit_request(email=KNOWN).reference
    pages = []
    for reference in (known, "PR-0000-0000"):
        page = client.get(reverse("request-status", args=[reference])).content.replace(reference.encode(), b"REF")
        pages.append(b"".join(line for line in page.splitlines() if b"csrfmiddlewaretoken" not in line))
        for name in ("reply", "withdraw", "resume", "download", "corrections"):
            answer = client.post(reverse(f"request-{name}", args=[reference]), {"body": "x", "text": "x"})
            assert answer.status_code in (302, 404), name
    assert pages[0] == pages[1]
    asked = Request.objects.get()
    assert (asked.state, asked.messages.filter(direction="in").count()) == ("received", 0)


@pytest.mark.parametrize("value", [value for value in STRANGE.values() if len(value) < 1_000])
def test_the_machine_interface_names_what_is_wrong(client: Client, value: bytes) -> None:
    _key, bearer = make_api_key("requests:write", "requests:read")
    text = value.decode("utf-8", "surrogatepass") if value != b"\xff\xfe\xfa" else "\udcff"
    answer = client.post(
        "/api/v1/requests/",
        {"kinds": [text], "email": text, "received_at": text, "details": text, "external_id": text},
        content_type="application/json",
        headers={"authorization": bearer},
    )
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"].startswith("application/problem+json")
    assert {fault["pointer"] for fault in answer.json()["errors"]} >= {"#/email"}
    assert not Request.objects.exists()
