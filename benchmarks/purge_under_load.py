"""What others feel while retention purges: readers and writers at half capacity, their p95 before it and during it.

The clients are threads of a process of their own, each with a connection: they read an account with its last invoices,
and write a contact, as the product does. A round begins with them as fast as they can, which is the capacity; then at
half of it, without and with a purge beside them that has rows of its own. Whatever else the machine does falls on all
three, and the middle one of several rounds is what is said. Less is better; 1.5 times is the aim.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks import purge_partitions, retained
from benchmarks.figures import Figure, middle
from crasme.crm.models import Account, Contact
from retention.models import Rule

ROWS = 500_000
CLIENTS = 4
ROUNDS = 5
SECONDS = 4.0  # of a window without a purge; with one, until it is over
CLOSED, EACH = 150, 100  # people who are erased in a round, and what hangs off each


def run(rows: int) -> Iterator[Figure]:
    """The p95 in milliseconds during each purge, against that before it."""
    now = timezone.now()
    purge_partitions.people(now)
    purge_partitions.fill(rows, now)
    for name, what, prepare, slug in (
        ("", "months of usage dropped", _usage, "usage"),
        ("_rows", f"{CLOSED} accounts of {EACH} rows erased", _accounts, "account-closed"),
    ):
        rounds = []
        for turn in range(ROUNDS):
            # A rule has one run a day.
            today = now + timedelta(days=turn)
            prepare(rows, today)
            retained.settle(vacuum=True)
            half = str(_clients("0", SECONDS / 2)["calls_per_second"] / 2)
            before = _p95(_clients(half, SECONDS)["milliseconds"])
            calls, ended = _beside(half, partial(_carried_out, slug, today))
            rounds.append((_p95(calls), before, ended))
        (during, before, ended), which = middle(rounds, lambda each: each[0] / each[1])
        note = f"{what}, {CLIENTS} clients at half capacity, {which}"
        yield Figure(f"purge_under_load{name}", during, "ms", before, ended, f"{note}; before it")


def _p95(calls: list[float]) -> float:
    return sorted(calls)[int(0.95 * len(calls))]


def _carried_out(slug: str, now: datetime) -> int:
    return retained.carried_out(Rule.objects.active().get(slug=slug), now)


def _usage(rows: int, now: datetime) -> None:
    purge_partitions.fill(rows, now)


def _accounts(_rows: int, now: datetime) -> None:
    leaving = list(Account.objects.filter(on_hold=False, status=Account.Status.ACTIVE).order_by("pk")[:CLOSED])
    Contact.objects.bulk_create(
        Contact(owner=each, full_name="Contact", email="", created_at=now) for each in leaving for _ in range(EACH)
    )
    closed = {"status": Account.Status.CLOSED, "closed_at": now - timedelta(days=91)}
    Account.objects.filter(pk__in=[each.pk for each in leaving]).update(**closed)


def _beside(pace: str, purge: Callable[[], int]) -> tuple[list[float], int]:
    with _started(pace, 0) as clients:
        assert clients.stdin is not None
        assert clients.stdout is not None
        clients.stdout.readline()  # they are at it
        ended = purge()
        said, _errors = clients.communicate("stop\n")
    return json.loads(said)["milliseconds"], ended


def _clients(pace: str, seconds: float) -> dict[str, Any]:
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
