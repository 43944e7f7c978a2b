"""The machine interface of requests: repeatable, private, and as it describes itself."""

import json
import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.exceptions import ConnectionError as CounterDown

from consent.models import Suppression
from consent.suppression import is_suppressed
from crasme.staff.models import ApiKey
from privacy import throttle
from privacy.api.bodies import MOST
from privacy.models import ApiEntry, Message, Request, Right
from privacy.services import entries
from privacy.services.people import forget_stranger
from privacy.states import State
from tests import openapi
from tests.builders import confirm_request, make_account, make_api_key, submit_request

pytestmark = pytest.mark.django_db
ALL = "/api/v1/requests/"
ONE = "/api/v1/requests/{reference}/"
ASKED = {"kinds": ["access"], "email": "ana@customer.example"}


class Caller:
    """A system with a key of its own; every answer is held against the description."""

    def __init__(self, *scopes: str) -> None:
        self.key, self.header = make_api_key(*(scopes or ("requests:write", "requests:read")))

    def enter(self, body: Any = ASKED, repeat: str | None = "call-1", **extra: Any) -> HttpResponse:
        headers = {"authorization": self.header} | ({} if repeat is None else {"idempotency-key": repeat})
        raw = body if isinstance(body, bytes) else json.dumps(body)
        sent = {"content_type": "application/json", "headers": headers} | extra
        return openapi.check(Client().post(ALL, raw, **sent), "POST", ALL)

    def list(self, **query: str) -> HttpResponse:
        answer = Client().get(ALL, query, headers={"authorization": self.header})
        return openapi.check(answer, "GET", ALL)

    def follow(self, reference: str) -> HttpResponse:
        answer = Client().get(f"{ALL}{reference}/", headers={"authorization": self.header})
        return openapi.check(answer, "GET", ONE)


# --- entering --------------------------------------------------------------------------------------------------------
def test_what_is_entered_waits_for_the_person_and_can_be_followed() -> None:
    caller = Caller()
    asked = {"kinds": ["access", "deletion"], "external_id": "T-77", "full_name": "Ana", "details": "All of it."}
    answer = caller.enter(ASKED | asked | {"language": "de", "regime": "eu"})
    assert answer.status_code == 201
    first, second = answer.json()["requests"]
    assert (first["kind"], second["kind"], first["state"], first["outcome"]) == ("access", "deletion", "received", None)
    assert (first["external_id"], first["channel"], first["linked"]) == ("T-77", "api", [second["reference"]])
    assert answer["Location"] == f"http://testserver{ALL}{first['reference']}/"
    lead = Request.objects.get(reference=first["reference"])
    assert (lead.details, lead.language, lead.regime, lead.state) == ("All of it.", "de", "eu", State.RECEIVED)
    assert Message.objects.get().template == "confirm"  # one mail for both, and no proof by the caller's word
    confirm_request(lead, now=timezone.now())
    followed = caller.follow(first["reference"]).json()
    assert followed["state"] == "confirmed"
    assert followed["confirmed_at"].endswith("Z")
    assert followed | {"state": "received", "confirmed_at": None} == first
    assert not [word for word in (b"ana@", b"Ana", b"All of it") if word in answer.content]


def test_a_call_may_be_repeated_and_asks_once() -> None:
    caller = Caller()
    first = caller.enter()
    again = caller.enter()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert caller.enter(repeat="call-2").status_code == 201
    reused = caller.enter(ASKED | {"kinds": ["deletion"]})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency-key-reused")
    assert Caller().enter().status_code == 201  # the name of a call is the caller's own
    # Without the header, the caller's own number of the request takes its place.
    numbered = ASKED | {"external_id": "T-1"}
    assert [caller.enter(numbered, repeat=None).status_code for _ in range(2)] == [201, 200]
    assert Request.objects.count() == 4


def test_the_same_call_twice_at_once_makes_one_request() -> None:
    """Neither sees the other's row when it looks; the database decides, and the second gets the first one's answer."""
    caller = Caller()
    first = caller.enter()
    real = entries.before
    with mock.patch.object(entries, "before") as before:
        before.side_effect = lambda call: real(call) if before.call_count > 1 else None
        again = caller.enter()
    assert again.status_code == 200
    assert again.json() == first.json()
    assert Request.objects.count() == 1


def test_what_the_form_asks_can_be_told_in_the_same_codes() -> None:
    told = {"opt_out": {"scope": "features"}, "withdrawal": {"what": ["services", "marketing", "marketing"]}}
    caller, asked = Caller(), ASKED | {"kinds": ["opt_out", "withdrawal", "access"], "particulars": told}
    first, again = caller.enter(asked), caller.enter(asked)
    assert [each["kind"] for each in first.json()["requests"]] == [
        "access",
        "opt_out",
        "withdrawal",
    ]  # what leads, first
    assert (again.status_code, again.json()) == (200, first.json())
    stored = dict(Request.objects.values_list("kind", "facts"))
    assert stored == {"opt_out": {"scope": "features"}, "withdrawal": {"what": ["marketing", "services"]}, "access": {}}
    assert is_suppressed("ana@customer.example", Suppression.Scope.FEATURES)  # an opt-out waits for nobody


def test_when_it_was_received_earlier_the_clock_started_then() -> None:
    day = (timezone.now() - timedelta(days=3)).isoformat()
    asked = Caller().enter(ASKED | {"received_at": day}).json()["requests"][0]
    made = Request.objects.get()
    assert (timezone.now() - made.received_at).days == 3
    assert (made.promise_due - made.received_on).days == 30
    assert asked["received_on"] == made.received_on.isoformat()


def test_known_and_unknown_addresses_get_the_same_answer_for_the_same_work() -> None:
    make_account(email="ana@customer.example")
    caller, seen = Caller(), []
    for name, address in (("warm", "x@y.example"), ("known", "ana@customer.example"), ("new", "nobody@x.example")):
        with CaptureQueriesContext(connection) as asked:
            answer = caller.enter(ASKED | {"email": address}, repeat=name)
        fields = {name for name, value in answer.json()["requests"][0].items() if value is not None}
        seen.append((answer.status_code, sorted(answer.headers), fields, statements(asked)))
    assert seen[1] == seen[2]


def statements(asked: CaptureQueriesContext) -> list[str]:
    """Each statement up to its values; savepoints have names of their own."""
    return [re.split(r"SAVEPOINT|VALUES|WHERE", query["sql"])[0] for query in asked]


def test_a_mailbox_gets_no_more_mails_by_the_api_than_by_the_form() -> None:
    caller = Caller()
    for number in range(throttle.ASK_ADDRESS.times):
        assert caller.enter(repeat=f"call-{number}").status_code == 201
    refused = caller.enter(repeat="one-more")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert caller.enter(repeat="call-0").status_code == 200  # a repetition is no new mail
    with mock.patch("crasme.kit.limits.count", side_effect=CounterDown):
        assert caller.enter(repeat="counters-down").status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"", 400, "#/kinds"),
        (b"{", 400, None),
        (b"[1]", 400, "#"),
        (b"null", 400, "#"),
        (b"\xff\xfe", 400, None),
        (b"[" * 60_000, 400, None),
        (b'{"kinds": ' + b"9" * 6_000 + b"}", 400, None),
        (b"x" * (10 << 20), 413, None),
        (ASKED | {"details": "x" * 60_000}, 400, "#/details"),
        (ASKED | {"verified_account": True}, 400, "#/verified_account"),
        (ASKED | {"a/b~c": 1}, 400, "#/a~1b~0c"),
        (ASKED | {"kinds": []}, 400, "#/kinds"),
        (ASKED | {"kinds": "access"}, 400, "#/kinds"),
        (ASKED | {"kinds": ["access", "everything"]}, 400, "#/kinds/1"),
        (ASKED | {"kinds": ["access", "access"]}, 400, "#/kinds"),
        (ASKED | {"kinds": ["child"]}, 400, "#/kinds/0"),
        (ASKED | {"email": "ana@@x"}, 400, "#/email"),
        (ASKED | {"email": "ana\r\nBcc: all@x.example"}, 400, "#/email"),
        (ASKED | {"email": "ana\ud800@customer.example"}, 400, "#/email"),
        (ASKED | {"email": "ana\0@customer.example"}, 400, "#/email"),
        (ASKED | {"email": ["ana@customer.example"]}, 400, "#/email"),
        (ASKED | {"full_name": "a\x00b"}, 400, "#/full_name"),
        (ASKED | {"full_name": "a\ud800"}, 400, "#/full_name"),
        (ASKED | {"full_name": {"first": "Ana"}}, 400, "#/full_name"),
        (ASKED | {"details": "a\x1bb"}, 400, "#/details"),
        (ASKED | {"details": "my card 4111 1111 1111 1111"}, 400, "#/details"),
        (ASKED | {"particulars": {"access": {}}}, 400, "#/particulars/access"),
        (ASKED | {"particulars": {"opt_out": {"scope": "all"}}}, 400, "#/particulars/opt_out"),
        (
            ASKED | {"kinds": ["opt_out"], "particulars": {"opt_out": {"scope": "x"}}},
            400,
            "#/particulars/opt_out/scope",
        ),
        (ASKED | {"language": "xx"}, 400, "#/language"),
        (ASKED | {"regime": "mars"}, 400, "#/regime"),
        (ASKED | {"received_at": "2026-02-30T00:00:00Z"}, 400, "#/received_at"),
        (ASKED | {"received_at": "9999-12-31T23:59:59-23:00"}, 400, "#/received_at"),
        (ASKED | {"received_at": "0001-01-01T00:00:00+14:00"}, 400, "#/received_at"),
        (ASKED | {"external_id": "ana@customer.example"}, 400, "#/external_id"),
    ],
)
def test_bad_input_is_the_callers_and_is_told_where(body: Any, status: int, pointer: str | None) -> None:
    answer = Caller().enter(body)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    pointers = [fault["pointer"] for fault in problem.get("errors", [])]
    assert (pointer in pointers) if pointer else not pointers, problem
    assert b"ana@" not in answer.content
    assert b"4111" not in answer.content
    assert not Request.objects.exists()


def test_calls_that_cannot_be_known_again_are_refused() -> None:
    caller = Caller()
    for repeat in (None, "", "two words", "é", "x" * 201):
        answer = caller.enter(repeat=repeat)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/Idempotency-Key")
    assert caller.enter(b"kinds=access", content_type="application/x-www-form-urlencoded").status_code == 415
    Right.objects.filter(kind="access").update(open=False)
    assert caller.enter().json()["errors"][0]["code"] == "not-offered"


# --- following -------------------------------------------------------------------------------------------------------
def test_a_key_knows_only_what_it_entered_and_the_rest_does_not_exist() -> None:
    caller, stranger = Caller(), Caller()
    mine = caller.enter().json()["requests"][0]["reference"]
    by_form = submit_request().reference
    unknown = stranger.follow("PR-0000-0000")
    for other in (stranger.follow(mine), stranger.follow(by_form), caller.follow(by_form), caller.follow("a\x00b")):
        assert (other.status_code, other.content) == (404, unknown.content)
    assert caller.follow(mine.lower()).status_code == 200
    assert [each["reference"] for each in caller.list().json()["results"]] == [mine]
    assert stranger.list().json()["results"] == []
    everything = Caller("requests:read", "requests:read-all")
    found = everything.list().json()["results"]
    assert {each["reference"] for each in found} == {mine, by_form}
    assert {each["external_id"] for each in found} == {None}
    assert everything.follow(by_form).status_code == 200


def test_each_scope_opens_its_own_door_and_no_other() -> None:
    assert Caller("requests:read").enter().status_code == 403
    assert Caller("requests:write").list().status_code == 403
    assert Caller("requests:read-all").list().status_code == 403
    nobody = Caller()
    nobody.header = "Bearer ck_00000000.nothing"
    assert nobody.enter().status_code == 401
    assert nobody.follow("PR-0000-0000").status_code == 401


def test_lists_are_read_page_by_page_and_narrowed_down() -> None:
    caller = Caller()
    for number in range(5):
        caller.enter(ASKED | {"email": f"ana{number}@customer.example", "kinds": ["access"]}, repeat=f"n-{number}")
    caller.enter(ASKED | {"kinds": ["deletion", "correction"]}, repeat="two")
    newest = list(Request.objects.values_list("reference", flat=True))
    read, query = [], {"page_size": "3"}
    while True:
        with CaptureQueriesContext(connection) as asked:
            page = caller.list(**query).json()
        assert len(asked) <= 8
        read += [each["reference"] for each in page["results"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"].partition("cursor=")[2].partition("&")[0].replace("%3D", "=")
    assert read == newest
    assert len(caller.list(kind="deletion").json()["results"]) == 1
    assert len(caller.list(state="received").json()["results"]) == 7
    assert caller.list(state="closed").json()["results"] == []
    since = Request.objects.latest("received_at").received_at.isoformat()
    assert {each["kind"] for each in caller.list(received_since=since).json()["results"]} <= {"deletion", "correction"}
    assert b"@" not in caller.list().content


@pytest.mark.parametrize(
    "query",
    [
        {"state": "dreamt"}, {"kind": "\0"}, {"received_since": "yesterday"}, {"received_since": "2026-02-30"},
        {"cursor": "none"}, {"cursor": "cD0lMDA="}, {"cursor": "bz0tMQ=="},
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_made_says_why(query: dict[str, str]) -> None:
    caller = Caller()
    caller.enter()
    answer = caller.list(**query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"#/{next(iter(query))}"


def test_when_the_person_is_forgotten_the_callers_number_goes_too() -> None:
    caller = Caller()
    reference = caller.enter(ASKED | {"external_id": "T-1"}).json()["requests"][0]["reference"]
    asked = Request.objects.get(reference=reference)
    asked.lapse(now=timezone.now())
    asked.save()
    assert forget_stranger(asked, now=timezone.now())
    entry = ApiEntry.objects.get()
    assert (entry.external_id, entry.call_digest, entry.body_digest) == (None, None, None)
    assert caller.follow(reference).json()["external_id"] is None


def test_a_body_may_be_as_large_as_the_form_allows() -> None:
    details = "ü" * 5_000
    assert len(json.dumps(ASKED | {"details": details})) < MOST
    assert Caller().enter(ASKED | {"details": details}).status_code == 201
    assert ApiKey.objects.count() == 1
