"""The gate for marketing: addresses a second for 100,000 at once, called directly and by the API (HTTP, granian).

The baseline is the bare SQL join of as many ready-made hashes with the list, both already in PostgreSQL: it normalises
nothing, hashes nothing, knows no channel, no topic and no restriction. Two addresses in ten are on the list.
"""

import json
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from benchmarks.figures import Figure, seconds
from benchmarks.web import Server
from consent import suppression
from consent.models import Suppression
from consent.models.addresses import hashes_of
from crasme.staff.models import ApiKey, User
from crasme.staff.services import issue_key

ROWS = 100_000  # addresses in a call, and as many on the list
TURNS = 3  # a neighbour's work disturbs one turn, seldom all
SHARE = 5  # one in so many of those asked about is on the list


def run(rows: int) -> Iterator[Figure]:
    now = timezone.now()
    asked = [f"Person.{number}@Customer{number % 900}.example" for number in range(rows)]
    listed = [each.lower() for each in asked[::SHARE]] + [f"gone{number}@bench.example" for number in range(rows)]
    _fill(listed[:rows], now)
    expected = len(asked[::SHARE])
    _bare(asked)
    joined = min(seconds(_join) for _turn in range(TURNS))
    direct = min(seconds(lambda: _counts(len(suppression.refused(asked)), expected)) for _turn in range(TURNS))
    note = "against the bare SQL join of ready-made hashes"
    yield Figure("suppression_check", rows / direct, "addresses/s", rows / joined, rows, note)
    key = _key(now)
    body = json.dumps({"scope": "marketing", "channel": "email", "addresses": asked}).encode()
    with Server() as server:
        _post(server, key, json.dumps({"addresses": asked[:1]}).encode())  # the first call of a process loads modules
        posted = min(seconds(lambda: _counts(_post(server, key, body), expected)) for _turn in range(TURNS))
    yield Figure("suppression_check_http", rows / posted, "addresses/s", rows / joined, rows, f"by the API, {note}")


def _fill(addresses: list[str], now: datetime) -> None:
    hashed = hashes_of(addresses)
    Suppression.objects.bulk_create(
        [Suppression(address=each, reason="imported", source="import", created_at=now) for each in hashed],
        batch_size=10_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE consent_suppression")


def _bare(asked: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE asked AS SELECT unnest(%s::text[]) AS address", [hashes_of(map(str.lower, asked))]
        )
        cursor.execute("ANALYZE asked")


def _join() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM asked JOIN consent_suppression USING (address)")
        cursor.fetchall()


def _counts(found: int, expected: int) -> None:
    if found != expected:
        raise RuntimeError(f"{expected} are on the list and {found} were refused")


def _key(now: datetime) -> str:
    user = User.objects.create_user("gate@bench.example")
    _row, key = issue_key(
        name="bench-gate",
        scopes=[ApiKey.Scope.SUPPRESSION_READ],
        expires_at=now + timedelta(days=1),
        created_by=user,
        actor=user.ref,
        now=now,
    )
    return key


def _post(server: Server, key: str, body: bytes) -> int:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    address = server.url("/api/v1/suppression/check/")
    request = urllib.request.Request(address, data=body, headers=headers)  # noqa: S310  (loopback)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (loopback)
        return len(json.load(answer)["refused"])
