"""Usage events through the API (HTTP, granian, one call of 10,000 lines after another) against COPY of the same rows.

The baseline writes the same columns into the same partitioned table with the same indexes, by one COPY a call, and
checks nothing: no card numbers, no unknown or restricted accounts, no duplicates.
"""

import json
import random
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from benchmarks.figures import Figure, seconds
from benchmarks.web import Server
from crasme.crm import partitions
from crasme.crm.models import Account, Organisation, UsageEvent
from crasme.kit.calendar import month_floor
from crasme.kit.ids import uuid7
from crasme.staff.models import ApiKey, User
from crasme.staff.services import issue_key

ROWS = 200_000
CALL = 10_000
TURNS = 2  # a neighbour's work disturbs one turn, seldom both
Row = dict[str, object]


def run(rows: int) -> Iterator[Figure]:
    """Events a second. Both ways write the same rows into an empty table, in turns, and each turn counts."""
    now = timezone.now()
    accounts = _accounts(1_000, now)
    calls = [list(_rows(accounts, min(CALL, rows - start), now)) for start in range(0, rows, CALL)]
    bodies = [_body(call) for call in calls]
    partitions.make_ahead(now)
    copied = posted = 0.0
    key = _key(now)
    with Server() as server:
        _post(server, key, _body(list(_rows(accounts, 100, now))))  # the first call of a process loads modules
        for _turn in range(TURNS):
            _empty()
            copied += seconds(lambda: [_copy(call) for call in calls])
            _empty()
            posted += seconds(lambda: [_post(server, key, body) for body in bodies])
            stored = UsageEvent.objects.count()
            if stored != rows:
                raise RuntimeError(f"{rows} events were sent and {stored} are stored")
    _empty()
    rate, baseline = TURNS * rows / posted, TURNS * rows / copied
    yield Figure("ingest", rate, "events/s", baseline, rows, "against plain COPY of the same rows")


def _accounts(count: int, now: datetime) -> list[str]:
    created = now - timedelta(days=300)
    organisation = Organisation.objects.create(name="Bench", country="AT", created_at=created)
    made = Account.objects.bulk_create(
        Account(organisation=organisation, email=f"bench{index}@bench.example", created_at=created)
        for index in range(count)
    )
    return [str(account.pk) for account in made]


def _key(now: datetime) -> str:
    user = User.objects.create_user("ingest@bench.example")
    _row, key = issue_key(
        name="bench",
        scopes=[ApiKey.Scope.EVENTS_WRITE],
        expires_at=now + timedelta(days=1),
        created_by=user,
        actor=user.ref,
        now=now,
    )
    return key


def _rows(accounts: list[str], count: int, now: datetime) -> Iterator[Row]:
    """Events of this month, in no order of time, as they come from many senders at once."""
    rng = random.Random(count)
    month = month_floor(now)
    span = (now - month).total_seconds()
    for _ in range(count):
        yield {
            "id": str(uuid7()),
            "account": rng.choice(accounts),
            "occurred_at": (month + timedelta(seconds=rng.uniform(0, span))).astimezone(UTC).isoformat(),
            "kind": "search",
            "name": "search",
            "duration_ms": rng.randrange(20, 900),
            "detail": {"query": "offene Angebote März"},
        }


def _copy(call: list[Row]) -> None:
    lines = "".join(
        "\t".join((str(row["id"]), str(row["occurred_at"]), str(row["account"]), "search", "search"))
        + f"\t{row['duration_ms']}\t{json.dumps(row['detail'], ensure_ascii=False)}\n"
        for row in call
    )
    columns = "id, occurred_at, account_id, kind, name, duration_ms, detail"
    with connection.cursor() as cursor, cursor.copy(f"COPY crm_usageevent ({columns}) FROM STDIN") as copy:
        copy.write(lines)


def _body(call: list[Row]) -> bytes:
    return b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in call)


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE crm_usageevent")


def _post(server: Server, key: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    request = urllib.request.Request(server.url("/api/v1/events/"), data=body, headers=headers)  # noqa: S310  (loopback)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (loopback)
        answer.read()
