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
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
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
TURNS = 4
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
    bare, ours, peer = Contender(choice), Contender(choice), Contender(_accept)
    with ExitStack() as servers:
        bare.server = servers.enter_context(Server("benchmarks.bare_django:application"))
        ours.server = servers.enter_context(Server())
        environment, why = _peer(servers)
        if environment:
            peer.server = servers.enter_context(Server("peer_cookie_consent:application", **environment))
        for _turn in range(TURNS):  # by turns, so that what else this machine does meets all of them
            for each in (bare, ours, peer):
                each.run(rows // TURNS)
    stored, sent = ConsentEvent.objects.count() - before, TURNS * (rows // TURNS + WARM)
    if stored != sent:
        raise RuntimeError(f"{sent} choices were sent and {stored} are stored")
    note = "against a bare Django view with one INSERT; every choice durable before its answer"
    yield Figure("consent_write", ours.rate, "requests/s", bare.rate, rows, note)
    yield Figure("consent_write_p95", ours.p95, "ms", bare.p95, rows, note)
    yield Figure("consent_write_cpu", ours.cpu, "ms of CPU", bare.cpu, rows, f"{note}; web server and PostgreSQL")
    if environment:
        _logged(environment["PEER_DATABASE"], 3 * sent)
    note = "against the accept view of django-cookie-consent with its log on" + (why and f"; {why}")
    yield Figure("consent_write_peer", ours.rate, "requests/s", peer.rate, rows, note)
    yield Figure("consent_write_peer_cpu", ours.cpu, "ms of CPU", peer.cpu, rows, f"{note}; web server and PostgreSQL")


def _accept() -> tuple[str, bytes, dict[str, str], int]:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return (
        "/cookies/accept/",
        b"all_groups=true",
        form | {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"},
        200,
    )


class Contender:
    """A server and what it did in its turns; without a server there are no figures."""

    def __init__(self, make: Sender) -> None:
        self.make = make
        self.server: Server | None = None
        self._rates: list[float] = []
        self._p95: list[float] = []
        self._cpu: list[float] = []

    def run(self, rows: int) -> None:
        if self.server is None:
            return
        load = Load(self.server, rows, self.make)
        self._rates.append(load.rate)
        self._p95.append(load.p95)
        self._cpu.append(load.cpu)

    @property
    def rate(self) -> float:
        return statistics.median(self._rates) if self._rates else 0.0

    @property
    def p95(self) -> float:
        return statistics.median(self._p95)

    @property
    def cpu(self) -> float:
        return statistics.median(self._cpu) if self._cpu else 0.0


class Load:
    """`rows` requests through one server by a few visitors at once, each over a connection that stays open."""

    def __init__(self, server: Server, rows: int, make: Sender) -> None:
        self.port, self.make = server.port, make
        self._visit(WARM)
        with ThreadPoolExecutor(VISITORS) as pool:
            shares = [rows // VISITORS + (number < rows % VISITORS) for number in range(VISITORS)]
            before, started = _cpu(server), time.perf_counter()
            self.taken = [each for share in pool.map(self._visit, shares) for each in share]
            self.rate = rows / (time.perf_counter() - started)
            self.cpu = (_cpu(server) - before) * 1000 / rows

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


def _logged(database: str, rows: int) -> None:
    """RuntimeError unless the peer wrote as many rows; one that only answers is no peer."""
    parts = connection.get_connection_params() | {"dbname": database}
    with psycopg.connect(**parts) as link:
        found = link.execute("SELECT count(*) FROM cookie_consent_logitem").fetchone()
    if found != (rows,):
        raise RuntimeError(f"the peer was to log {rows} rows and has {found}")


def _cpu(server: Server) -> float:
    """Seconds of CPU of the server's processes and of PostgreSQL's, which works for one server at a time here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = psutil.Process(cursor.fetchone()[0]).parent()
    if postmaster is None:
        raise RuntimeError("PostgreSQL is not on this machine")
    seconds = 0.0
    for root in (psutil.Process(server.process.pid), postmaster):
        for each in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                seconds += sum(each.cpu_times()[:2])
    return seconds


def _peer(made: ExitStack) -> tuple[dict[str, str], str]:
    """The environment that starts the peer's server, or none and why there is none."""
    folder = made.enter_context(tempfile.TemporaryDirectory(prefix="crasme-peer-"))
    python = Path(folder) / "bin" / "python"
    try:
        for command in ([sys.executable, "-m", "venv", folder], [str(python), "-m", "pip", "install", "-q", *PEER]):
            subprocess.run(command, check=True, capture_output=True, timeout=300)
    except (subprocess.SubprocessError, OSError):
        return {}, "it could not be installed here"
    name = "bench_peer"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    module = Path(__file__).with_name("peer_cookie_consent.py")
    environment = {"PEER_DATABASE": name, "PYTHONPATH": str(module.parent), "DJANGO_SETTINGS_MODULE": ""}
    done = subprocess.run([str(python), str(module)], check=False, env=os.environ | environment, timeout=120)
    if done.returncode:
        return {}, "it could not be set up here"
    return environment | {"python": str(python)}, ""
