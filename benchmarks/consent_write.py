"""Cookie choices as the banner sends them (HTTP, granian, one process), against a bare Django view with one INSERT.

Both have the same server, the same settings of it and the same database, which writes each choice to the disk before it
is answered (synchronous_commit on): a withdrawal is durable before the browser hears of it. Beside them stands
django-cookie-consent's accept view, in an environment that is made for this and thrown away; where it cannot be
installed the note says so.
"""

import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from django.db import connection

from benchmarks.figures import Figure
from benchmarks.web import Server
from consent import notices
from consent.models import ConsentEvent
from crasme.kit.ids import uuid7

ROWS = 4_000
VISITORS = 4  # at once
WARM = 100
A_NETWORK = 200  # choices from one /24; 300 in ten minutes are allowed
TURNS = 2
PEER = ("django-cookie-consent", "django>=5.2,<5.3", "psycopg[binary]", "granian")
PATH = "/consent/events/"
_networks = itertools.count(1)
Sender = Callable[[], tuple[str, bytes, dict[str, str], int]]


def run(rows: int) -> Iterator[Figure]:
    """Requests a second, and the 95th percentile in milliseconds."""
    from benchmarks.bare_django import TABLE

    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone()[0] != "on":
            raise RuntimeError("a choice would be answered before it is durable")
        cursor.execute(f"DROP TABLE IF EXISTS bench_choice; {TABLE}")
    notice = notices.current("en")["sha256"]

    def choice() -> tuple[str, bytes, dict[str, str], int]:
        said = {"id": str(uuid7()), "visitor": str(uuid4()), "choices": {}, "action": "withdraw"}
        said |= {"surface": "banner", "notice": notice, "language": "en", "age": 0}
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        return PATH, json.dumps(said).encode(), headers, 204

    before = ConsentEvent.objects.count()
    with Server("benchmarks.bare_django:application") as server:
        bare = max((Load(server.port, rows, choice) for _turn in range(TURNS)), key=lambda load: load.rate)
    with Server() as server:
        ours = max((Load(server.port, rows, choice) for _turn in range(TURNS)), key=lambda load: load.rate)
    stored = ConsentEvent.objects.count() - before
    if stored != TURNS * (rows + WARM):
        raise RuntimeError(f"{TURNS * (rows + WARM)} choices were sent and {stored} are stored")
    note = "against a bare Django view with one INSERT; every choice durable before its answer"
    yield Figure("consent_write", ours.rate, "requests/s", bare.rate, rows, note)
    yield Figure("consent_write_p95", ours.p95, "ms", bare.p95, rows, note)
    peer, why = _peer(rows)
    note = "against the accept view of django-cookie-consent" + (why and f"; {why}")
    yield Figure("consent_write_peer", ours.rate, "requests/s", peer, rows, note)


class Load:
    """`rows` requests through one server by a few visitors at once, each over a connection that stays open."""

    def __init__(self, port: int, rows: int, make: Sender) -> None:
        self.port, self.make = port, make
        self._visit(WARM)
        with ThreadPoolExecutor(VISITORS) as pool:
            shares = [rows // VISITORS + (number < rows % VISITORS) for number in range(VISITORS)]
            started = time.perf_counter()
            self.taken = [each for share in pool.map(self._visit, shares) for each in share]
            self.rate = rows / (time.perf_counter() - started)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.taken, n=20)[-1] * 1000

    def _visit(self, count: int) -> list[float]:
        taken = []
        while count > 0:
            network = next(_networks)
            source = (f"127.2.{network % 256}.{1 + network // 256}", 0)
            browser = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=source)
            for _choice in range(min(count, A_NETWORK)):
                path, body, headers, expected = self.make()
                started = time.perf_counter()
                browser.request("POST", path, body, headers)
                answer = browser.getresponse()
                answer.read()
                taken.append(time.perf_counter() - started)
                if answer.status != expected:
                    raise RuntimeError(f"a choice was answered {answer.status}")
            browser.close()
            count -= A_NETWORK
        return taken


def _peer(rows: int) -> tuple[float, str]:
    """The peer's requests a second, or 0 and why there are none."""
    with tempfile.TemporaryDirectory(prefix="crasme-peer-") as folder:
        python = Path(folder) / "bin" / "python"
        try:
            for command in ([sys.executable, "-m", "venv", folder], [str(python), "-m", "pip", "install", "-q", *PEER]):
                subprocess.run(command, check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError):
            return 0.0, "it could not be installed here"
        name = "bench_peer"
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
        module = Path(__file__).with_name("peer_cookie_consent.py")
        environment = {"PEER_DATABASE": name, "PYTHONPATH": str(module.parent), "DJANGO_SETTINGS_MODULE": ""}
        done = subprocess.run([str(python), str(module)], check=False, env=os.environ | environment, timeout=120)
        if done.returncode:
            return 0.0, "it could not be set up here"

        def accept() -> tuple[str, bytes, dict[str, str], int]:
            return (
                "/cookies/accept/",
                b"",
                {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                    "X-Requested-With": "XMLHttpRequest",
                },
                200,
            )

        with Server("peer_cookie_consent:application", python=str(python), **environment) as server:
            return max(Load(server.port, rows, accept).rate for _turn in range(TURNS)), ""
