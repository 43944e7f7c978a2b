import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils.translation import override
from pytest_django import Settings

from consent import choice, notices, services, throttle
from consent.models import ConsentEvent
from crasme import lane
from crasme.kit import limits, statements
from crasme.kit.ids import uuid7
from crasme.kit.limits import Limit

HERE = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}


def event(**given: Any) -> dict[str, Any]:
    defaults = {
        "id": str(uuid7()),
        "visitor": uuid.uuid4().hex,
        "choices": {"analytics": True, "performance": False},
        "action": "save",
        "surface": "banner",
        "notice": notices.current("en")["sha256"],
        "language": "en",
        "age": 0,
    }
    return defaults | given


def post(client: Client, sent: Any, headers: dict[str, str] | None = None) -> Any:
    body = sent if isinstance(sent, str | bytes) else json.dumps(sent)
    wanted = HERE if headers is None else headers
    return client.post("/consent/events/", body, content_type="application/json", headers=wanted)


def test_a_choice_is_stored_and_kept_in_the_cookie(client: Client, db: None) -> None:
    sent = event()
    response = post(client, sent)
    assert (response.status_code, response.content) == (204, b"")
    row = ConsentEvent.objects.get()
    assert (str(row.id), row.visitor.hex, row.surface, row.gpc) == (sent["id"], sent["visitor"], "banner", False)
    assert row.choices == {"essential": True, "functional": False, "analytics": True, "performance": False}
    morsel = response.cookies["crasme_consent"]
    assert morsel.value == f"1.5.1.-.{sent['visitor']}"
    assert 181 * 86400 <= int(morsel["max-age"]) <= 184 * 86400
    assert (morsel["path"], morsel["samesite"], morsel["httponly"]) == ("/", "Lax", "")
    assert "no-store" in response["Cache-Control"]


def test_gpc_is_what_the_browser_sends_not_what_the_body_says(client: Client, db: None) -> None:
    response = post(client, event(gpc=False), HERE | {"Sec-GPC": "1"})
    assert ConsentEvent.objects.get().gpc is True
    made = choice.parse(response.cookies["crasme_consent"].value)
    assert made is not None
    assert made.gpc


def test_a_retry_is_answered_as_the_first_time(client: Client, db: None) -> None:
    sent = event()
    values = [post(client, sent).cookies["crasme_consent"].value for _time in range(3)]
    assert len(set(values)) == 1
    assert ConsentEvent.objects.count() == 1


def test_a_late_arrival_does_not_overwrite_the_newer_choice(client: Client, db: None) -> None:
    visitor = uuid.uuid4().hex
    refused = post(client, event(visitor=visitor, action="refuse-all"))
    late = post(client, event(visitor=visitor, action="accept-all", age=3_600_000))
    assert late.status_code == 204
    assert late.cookies["crasme_consent"].value == refused.cookies["crasme_consent"].value
    assert ConsentEvent.objects.count() == 2


def test_a_slow_way_does_not_turn_two_choices_round(client: Client, db: None) -> None:
    visitor = uuid.uuid4().hex
    accepted = event(visitor=visitor, action="accept-all", age=0)  # sent at once, and long on its way
    post(client, accepted)
    refused = post(client, event(visitor=visitor, action="refuse-all", age=60_000, after=accepted["id"]))
    assert refused.cookies["crasme_consent"].value.startswith("1.1.1.")
    current = services.current(uuid.UUID(visitor))
    assert current is not None
    assert current.action == "refuse-all"


@pytest.mark.parametrize("age", [0, 86_400_000, 1e300])
def test_age_dates_the_choice_within_reason(client: Client, db: None, age: float) -> None:
    post(client, event(age=age))
    row = ConsentEvent.objects.get()
    assert row.received_at - row.decided_at == min(timedelta(milliseconds=min(age, 1e10)), timedelta(days=35))


def test_somebody_elses_id_gives_nothing_away(client: Client, db: None) -> None:
    first = event(action="accept-all")
    post(client, first)
    response = post(Client(), event(id=first["id"]))
    assert response.status_code == 400
    assert "crasme_consent" not in response.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://testserver"},  # another scheme is another origin
        {"Referer": "https://evil.example/http://testserver/"},
    ],
)
def test_other_sites_cannot_choose_for_a_visitor(client: Client, db: None, headers: dict[str, str]) -> None:
    response = post(client, event(), headers)
    assert (response.status_code, response.json()["code"]) == (403, "cross-site")
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize("headers", [{"Origin": "http://testserver"}, {"Referer": "http://testserver/policy/?a=1"}])
def test_older_browsers_say_where_they_are_in_other_ways(client: Client, db: None, headers: dict[str, str]) -> None:
    assert post(client, event(), headers).status_code == 204


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("", "JSON object"),
        (b"\xff\xfe", "JSON object"),
        ("[1]", "JSON object"),
        ("[" * 4000, "JSON object"),
        ({"id": "x"}, "id"),
        ({"visitor": 7}, "visitor"),
        ({"id": str(uuid.uuid4())}, "version 7"),
        ({"choices": {"analytics": "yes"}}, "choices"),
        ({"choices": None}, "choices"),
        ({"choices": {"marketing": True}}, "marketing"),
        ({"action": "agree"}, "way"),
        ({"action": None}, "action"),
        ({"language": "en\u0000"}, "language"),
        ({"notice": "0" * 64}, "never published"),
        ({"age": -1}, "age"),
        ({"age": "0"}, "age"),
        ({"age": float("nan")}, "age"),
        ({"age": True}, "age"),
        ({"after": "x"}, "after"),
    ],
)
def test_a_body_that_is_not_a_choice_gets_its_reason(client: Client, db: None, sent: Any, words: str) -> None:
    response = post(client, event(**sent) if isinstance(sent, dict) else sent)
    assert response.status_code == 400
    assert words in response.json()["detail"]
    assert "crasme_consent" not in response.cookies
    assert not ConsentEvent.objects.exists()


def test_a_body_too_large_is_not_read(client: Client, db: None) -> None:
    assert post(client, event(more="x" * 5000)).status_code == 413


def test_a_choice_that_is_refused_leaves_what_is_on_record(client: Client, db: None) -> None:
    """The browser has written its cookie before it asks: a permission falls back, a refusal stays."""
    visitor = uuid.uuid4().hex
    client.cookies["crasme_consent"] = f"1.f.1.-.{visitor}"
    bad = event(visitor=visitor, notice="0" * 64)
    gone = post(client, bad)
    assert (gone.status_code, gone.cookies["crasme_consent"]["max-age"]) == (400, 0)
    stored = post(client, event(visitor=visitor)).cookies["crasme_consent"].value  # analytics alone
    for had, left in (("f", stored), ("3", f"1.1.1.-.{visitor}"), ("1", f"1.1.1.-.{visitor}")):
        client.cookies["crasme_consent"] = f"1.{had}.1.-.{visitor}"
        assert post(client, bad).cookies["crasme_consent"].value == left
    assert not post(client, bad, HERE | {"Sec-Fetch-Site": "cross-site"}).cookies
    assert ConsentEvent.objects.count() == 1


def test_only_post(client: Client, db: None) -> None:
    assert client.get("/consent/events/").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_stored() -> None:
    """Real transactions on connections of their own: the database alone decides."""
    event_id, visitor, now = uuid7(), uuid.uuid4(), datetime.now(UTC)
    sha256 = notices.current("en")["sha256"]
    gate = threading.Barrier(6)

    def record() -> bool:
        try:
            gate.wait(10)
            return services.record_choice(
                event_id=event_id, visitor=visitor, choices={}, action="refuse-all", surface="api", notice_sha=sha256,
                language="en", gpc=False, decided_at=now, now=now,
            )[1]  # fmt: skip
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        created = [future.result() for future in [pool.submit(record) for _worker in range(6)]]
    assert created.count(True) == 1
    assert ConsentEvent.objects.count() == 1


def test_a_flood_is_told_to_wait_and_stores_nothing(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "CHOICES_NETWORK", Limit("flood", times=1, seconds=86400))
    assert post(client, event()).status_code == 204
    with override("de"):  # as whoever this thread has answered before
        refused = post(client, event())
    assert (refused.status_code, refused.json()["code"]) == (429, "too-often")
    assert refused.json()["detail"].startswith("Too many tries")
    assert int(refused["Retry-After"]) > 0
    assert "crasme_consent" not in refused.cookies
    assert client.post("/cookies/", {"action": "save"}, headers=HERE).status_code == 429
    assert ConsentEvent.objects.count() == 1
    assert post(Client(REMOTE_ADDR="198.51.100.7"), event()).status_code == 204
    assert b"wait a moment" in client.post("/cookies/", {"action": "save"}, headers=HERE).content
    assert client.get("/cookies/").status_code == 200


def test_the_short_lane_is_short_and_leaves_out_no_guard(client: Client, db: None, settings: Settings) -> None:
    for name, view in lane.LANE.items():
        assert resolve(reverse(name)).func is view  # the same door without the lane
        assert view.csrf_exempt  # type: ignore[attr-defined]  # there is no CSRF middleware on the way
    post(client, event())  # what a process remembers
    with (
        patch.object(statements, "_run", wraps=statements._run) as asked,
        patch.object(limits, "count", wraps=limits.count) as counted,
        patch("django.contrib.sessions.middleware.SessionMiddleware.process_request") as session,
        CaptureQueriesContext(connections["default"]) as by_cursor,
    ):
        response = post(client, event())
    assert (response.status_code, asked.call_count, len(by_cursor), counted.called, session.called) == (
        204, 1, 0, False, False,
    )  # fmt: skip
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert (response["X-Frame-Options"], response["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert client.post("/consent/events/", headers=HERE | {"Host": "evil.example"}).status_code == 400
    settings.SECURE_SSL_REDIRECT = True
    assert post(Client(), event()).status_code == 301
    settings.SECURE_SSL_REDIRECT = False
    with patch("retention.gate.is_open", return_value=False):
        shut = post(client, event())
    assert (shut.status_code, ConsentEvent.objects.count()) == (503, 2)
    assert client.get("/consent/events").status_code in {301, 404}  # not the lane's
