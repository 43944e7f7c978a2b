"""The public form while the broker is down: submissions over HTTP (granian, one process), against the same with it up.

Every visitor comes from a network of their own (a loopback address), with a connection, a form and a solved puzzle (an
easy one: the work is the browser's) of their own, and asks for a different mailbox. "Down" is a port on which nobody
listens, for the task queue and for the counters of tries alike. The mails stay in the database, where the sweep would
find them.
"""

import http.client
import itertools
import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import altcha
from django.utils import timezone

from benchmarks.figures import Figure
from benchmarks.web import Server
from crasme.embedded.processes import free_port
from privacy import puzzle
from privacy.models import Message, Request
from privacy.views.admission import FIELD

ROWS = 1_000  # submissions; more than 2,000 in an hour would meet the form's own limit while the broker is up
VISITORS = 4  # at once
WARM = 20
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
_networks = itertools.count(1)


def run(rows: int) -> Iterator[Figure]:
    """Submissions a second, and the 95th percentile in milliseconds: the baseline is the broker up."""
    with Server() as server:
        up = _Submissions(server, rows, "up")
    with Server(BROKER_URL=f"redis://127.0.0.1:{free_port()}/0") as server:
        down = _Submissions(server, rows, "down")
    note = "with the broker down, against the same with the broker up"
    yield Figure("intake", down.rate, "submissions/s", up.rate, rows, note)
    yield Figure("intake_p95", down.p95, "ms", up.p95, rows, note)


class _Submissions:
    """`rows` of them through one server, by a few visitors at once; every one must be stored with its mail."""

    def __init__(self, server: Server, rows: int, mark: str) -> None:
        self.port, self.mark = server.port, mark
        for number in range(WARM):
            self._submit(f"warm{number}")
        with ThreadPoolExecutor(VISITORS) as pool:
            started = time.perf_counter()
            self.taken = list(pool.map(self._submit, map(str, range(rows))))
            self.rate = rows / (time.perf_counter() - started)
        stored = Request.objects.filter(person__email__startswith=f"{mark}-").count()
        mails = Message.objects.filter(request__person__email__startswith=f"{mark}-", template="confirm").count()
        if not stored == mails == rows + WARM:
            raise RuntimeError(f"{rows + WARM} were sent; {stored} requests and {mails} mails are stored")

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.taken, n=20)[-1] * 1000

    def _submit(self, number: str) -> float:
        """Seconds from sending the form to its answer; fetching the form is not part of it."""
        network = next(_networks)
        # A /24 may ask 30 times an hour.
        source = (f"127.1.{network // 20 % 256}.{1 + network % 20}", 0)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=source)
        connection.request("GET", "/requests/new/?kind=access")
        form = connection.getresponse()
        cookie = (form.getheader("Set-Cookie") or "").partition(";")[0]
        found = TOKEN.search(form.read().decode())
        if found is None:
            raise RuntimeError(f"no form came, but {form.status}")
        email = f"{self.mark}-{number}@bench.example"
        answers = {"kind": "access", "email": email, "csrfmiddlewaretoken": found.group(1), FIELD: _solution()}
        body = urlencode(answers)
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        started = time.perf_counter()
        connection.request("POST", "/requests/new/", body, headers)
        answer = connection.getresponse()
        answer.read()
        taken = time.perf_counter() - started
        connection.close()
        if answer.status != 302:
            raise RuntimeError(f"a submission was answered {answer.status}")
        return taken


def _solution() -> str:
    made = altcha.Challenge.from_dict(puzzle.make(timezone.now(), cost=1, tries=range(1)))
    found = altcha.solve_challenge(made)
    if found is None:
        raise RuntimeError("the puzzle could not be solved")
    return altcha.Payload(made, found).to_base64()
