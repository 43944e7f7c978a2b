"""Usage events through the API (HTTP, granian, one call of 10,000 lines after another) against COPY of the same rows.

The baseline writes the same columns into the same partitioned table with the same indexes, by one COPY a call, and
checks nothing: no card numbers, no unknown or restricted accounts, no duplicates.
"""

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from benchmarks.figures import Figure, seconds
from crasme.crm.models import Account, Organisation, UsageEvent
from crasme.embedded.processes import free_port
from crasme.kit import partitions
from crasme.kit.ids import uuid7
from crasme.staff.keys import issue
from crasme.staff.models import ApiKey, User

ROWS = 200_000
CALL = 10_000
Row = dict[str, object]


def run(rows: int) -> Iterator[Figure]:
    """Events a second. Both ways write the same rows; the table is emptied between."""
    accounts = _accounts(1_000)
    calls = [list(_rows(accounts, CALL)) for _ in range(max(1, rows // CALL))]
    total = sum(len(call) for call in calls)
    partitions.ensure_months(connection, "crm_usageevent", timezone.now().date(), timezone.now().date())
    copied = seconds(lambda: [_copy(call) for call in calls])
    _empty()
    with Server() as server:
        server.post(list(_rows(accounts, 100)))  # the first call of a process loads modules
        _empty()
        bodies = [b"\n".join(json.dumps(row).encode() for row in call) for call in calls]
        posted = seconds(lambda: [server.post_body(body) for body in bodies])
    stored = UsageEvent.objects.count()
    if stored != total:
        raise RuntimeError(f"{total} events were sent and {stored} are stored")
    _empty()
    yield Figure("ingest", total / posted, "events/s", total / copied, total, "against plain COPY of the same rows")


def _accounts(count: int) -> list[str]:
    now = timezone.now() - timedelta(days=300)
    organisation = Organisation.objects.create(name="Bench", country="AT", created_at=now)
    made = Account.objects.bulk_create(
        Account(organisation=organisation, email=f"bench{index}@bench.example", created_at=now)
        for index in range(count)
    )
    return [str(account.pk) for account in made]


def _rows(accounts: list[str], count: int) -> Iterator[Row]:
    rng = random.Random(count)
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    span = (datetime.now(UTC) - month).total_seconds()
    for _ in range(count):
        yield {
            "id": str(uuid7()),
            "account": rng.choice(accounts),
            "occurred_at": (month + timedelta(seconds=rng.uniform(0, span))).isoformat(),
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


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE crm_usageevent")


class Server:
    """The product's own web server on a free port, with a key for events."""

    def __init__(self) -> None:
        self.port = free_port()
        user = User.objects.create_user("bench@staff.example")
        now = timezone.now()
        self.secret, _key = issue(
            name="bench",
            scopes=[ApiKey.Scope.EVENTS_WRITE],
            expires_at=now + timedelta(days=1),
            by=user,
            now=now,
        )

    def __enter__(self) -> "Server":
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(self.port), "--no-ws"]
        self.process = subprocess.Popen(
            [*command, "--log-level", "warning", "crasme.wsgi:application"], env=os.environ
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/live/", timeout=2).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the web server did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def post(self, rows: list[Row]) -> None:
        self.post_body(b"\n".join(json.dumps(row).encode() for row in rows))

    def post_body(self, body: bytes) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/events/",
            data=body,
            headers={"Authorization": f"Bearer {self.secret}", "Content-Type": "application/x-ndjson"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
