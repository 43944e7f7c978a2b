"""What others feel while retention purges: readers and writers at half capacity, their p95 before it and during it.

The clients are threads of a process of their own, each with a connection: they read an account with its last invoices,
and write a contact, as the product does. First they run as fast as they can, which is the capacity; then at half of
it, without and with a purge beside them. What is compared is the time from when a call was due to its answer: a
client that was kept waiting is late for its next calls too, and that counts. Less is better; 1.5 times is the aim.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from benchmarks import purge_partitions, retained
from benchmarks.figures import Figure
from crasme.crm.models import Account
from retention.models import Rule

ROWS = 2_000_000
CLIENTS = 4
SECONDS = 8.0  # without a purge; with one, until it is over
CLOSED = 600  # people who are erased, with what hangs off them


def run(rows: int) -> Iterator[Figure]:
    """The p95 in milliseconds during each purge, against that before it."""
    now = timezone.now()
    purge_partitions.people(now)
    purge_partitions.fill(rows, now)
    capacity = float(_clients("0", SECONDS / 2)["calls_per_second"])
    pace = str(capacity / 2)
    rule = Rule.objects.active().get(slug="usage")
    for name, what, purge in (
        ("", "months of usage dropped", lambda: retained.carried_out(rule, now)),
        ("_rows", f"{CLOSED} accounts erased", _erase),
    ):
        if name:
            leaving = list(Account.objects.filter(on_hold=False, email__startswith="usage").values("pk")[:CLOSED])
            closed = {"status": Account.Status.CLOSED, "closed_at": now - timedelta(days=91)}
            Account.objects.filter(pk__in=[each["pk"] for each in leaving]).update(**closed)
        retained.settle()
        before = _clients(pace, SECONDS)
        during, ended = _beside(pace, purge)
        note = f"{what}, {CLIENTS} clients at {float(pace):,.0f} calls/s (half capacity); before it"
        yield Figure(f"purge_under_load{name}", during["p95"], "ms", before["p95"], ended, note)


def _erase() -> int:
    return retained.carried_out(Rule.objects.active().get(slug="account-closed"), timezone.now())


def _beside(pace: str, purge: Callable[[], int]) -> tuple[dict[str, float], int]:
    with _started(pace, 0) as clients:
        assert clients.stdin is not None
        assert clients.stdout is not None
        clients.stdout.readline()  # they are at it
        ended = purge()
        said, _errors = clients.communicate("stop\n")
    return json.loads(said), ended


def _clients(pace: str, seconds: float) -> dict[str, float]:
    with _started(pace, seconds) as clients:
        said, _errors = clients.communicate()
    return dict(json.loads(said.splitlines()[-1]))


def _started(pace: str, seconds: float) -> "subprocess.Popen[str]":
    settings = connection.settings_dict
    where = f"host={settings['HOST']} port={settings['PORT']} user={settings['USER']} dbname={settings['NAME']}"
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.clients", pace, str(seconds), str(CLIENTS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"BENCH_DSN": where, "PGPASSWORD": str(settings["PASSWORD"])},
    )
