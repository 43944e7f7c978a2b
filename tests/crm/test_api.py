"""POST /api/v1/events/ as a sender meets it."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from crasme.crm import ndjson as bodies
from crasme.crm.models import Account, UsageEvent
from tests.builders import make_account, make_api_key
from tests.crm.events import event, many, ndjson

pytestmark = pytest.mark.django_db
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def key() -> str:
    return make_api_key("events:write")[1]


def post(key: str, body: bytes, *, content_type: str = NDJSON, **headers: str) -> HttpResponse:
    client = Client(headers={"Authorization": key, **headers} if key else headers)
    return client.post(reverse("api-events"), body, content_type=content_type)  # type: ignore[return-value]


def now_event(account: Account, **fields: Any) -> dict[str, Any]:
    return event(account, **{"occurred_at": datetime.now(UTC).isoformat()} | fields)


def test_ten_thousand_events_in_one_call(account: Account, key: str) -> None:
    body = ndjson(*many([account, make_account()], 10_000, until=datetime.now(UTC)))
    response = post(key, body)
    assert (response.status_code, response.json()) == (
        200,
        {
            "received": 10_000,
            "inserted": 10_000,
            "duplicates": 0,
            "skipped": {"unknown": 0, "closed": 0, "restricted": 0, "objected": 0},
        },
    )
    again = post(key, gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert again.json()["duplicates"] == 10_000
    assert UsageEvent.objects.count() == 10_000


def test_skipped_events_are_counted_by_reason(account: Account, key: str) -> None:
    now = datetime.now(UTC)
    others = [
        make_account(restricted_at=now),
        make_account(closed_at=now),
        make_account(analytics_objected_at=now),
    ]
    response = post(key, ndjson(*map(now_event, [account, *others])))
    assert response.json()["skipped"] == {"unknown": 0, "closed": 1, "restricted": 1, "objected": 1}
    assert response.json()["inserted"] == 1


def test_bad_lines_are_named_and_nothing_is_stored(account: Account, key: str) -> None:
    body = ndjson(now_event(account), now_event(account, kind="?"), now_event(account, name="4111 1111 1111 1111"))
    response = post(key, body)
    assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)
    problem = response.json()
    assert problem["code"] == "events-refused"
    assert [(each["line"], each["pointer"], each["code"]) for each in problem["errors"]] == [
        (2, "#/kind", "not-a-kind"),
        (3, "#/name", "card-number"),
    ]
    assert "4111" not in response.content.decode()
    assert not UsageEvent.objects.exists()


def test_too_old_is_what_the_retention_rule_says(account: Account, key: str) -> None:
    old = datetime.now(UTC) - timedelta(days=740)
    problem = post(key, ndjson(now_event(account, occurred_at=old.isoformat()))).json()
    assert problem["errors"][0]["code"] == "too-old"


def test_without_a_rule_the_sender_is_asked_to_wait(account: Account, key: str, settings: Settings) -> None:
    settings.RETENTION_PERIODS = f"{__name__}._no_rule"
    response = post(key, ndjson(now_event(account)))
    assert (response.status_code, response.json()["code"]) == (503, "period-unknown")


def _no_rule(slug: str) -> None:
    raise LookupError(slug)


class TestBody:
    def test_in_several_gzip_members(self, account: Account, key: str) -> None:
        parts = [gzip.compress(ndjson(now_event(account))) for _ in range(3)]
        assert post(key, b"".join(parts), **{"Content-Encoding": "GZIP"}).json()["inserted"] == 3

    @pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: b"x" + packed, lambda _packed: b"x"])
    def test_damaged_gzip(self, account: Account, key: str, damage: Any) -> None:
        response = post(key, damage(gzip.compress(ndjson(now_event(account)))), **{"Content-Encoding": "gzip"})
        assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)

    def test_a_bomb_stops_at_the_bound(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "MOST_BYTES", 1_000_000)
        bomb = gzip.compress(b"\n" * 50_000_000)
        assert len(bomb) < 100_000
        assert post(key, bomb, **{"Content-Encoding": "gzip"}).status_code == 413

    def test_two_members_share_one_bound(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "MOST_BYTES", 1_000)
        half = gzip.compress(b"\n" * 600)
        assert post(key, half, **{"Content-Encoding": "gzip"}).status_code == 200
        assert post(key, half + half, **{"Content-Encoding": "gzip"}).status_code == 413

    def test_too_large(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "MOST_BYTES", 100)
        assert post(key, b"\n" * 100).status_code == 200
        response = post(key, b"\n" * 101)
        assert (response.status_code, response["Content-Type"]) == (413, PROBLEM)

    def test_one_line_too_many(self, key: str) -> None:
        assert post(key, b"{}\n" * 50_001).status_code == 413

    def test_other_types_and_packings(self, key: str) -> None:
        assert post(key, b"{}", content_type="application/json").status_code == 415
        assert post(key, b"{}", **{"Content-Encoding": "br"}).status_code == 415


class TestKeys:
    def test_nobody_gets_in_without(self) -> None:
        assert post("", b"").status_code == 401
        assert post("Bearer ck_00000000.wrong", b"").status_code == 401

    def test_the_scope_counts(self) -> None:
        assert post(make_api_key("requests:read")[1], b"").status_code == 403

    def test_reading_is_not_offered(self, key: str) -> None:
        # HasScope is closed for what a view does not name, which it says before the method is looked for.
        response = Client(headers={"Authorization": key}).get(reverse("api-events"))
        assert response.status_code in {403, 405}


def test_the_schema_describes_the_call() -> None:
    schema = json.loads(Client().get(f"{reverse('api-schema')}?format=json").content)
    call = schema["paths"]["/api/v1/events/"]["post"]
    assert set(call["requestBody"]["content"]) == {NDJSON}
    assert set(call["responses"]) == {"200", "400", "413", "415", "503"}
    assert call["security"] == [{"apiKey": []}]
    line = schema["components"]["schemas"]["Event"]
    assert set(line["required"]) == {"id", "account", "occurred_at", "kind", "name"}
