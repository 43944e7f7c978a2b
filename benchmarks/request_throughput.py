"""Requests from the form to the answer, on one worker of two processes, many queued at once; and what each costs.

The clock runs from the first submission to the last answer that a mail server has taken. In between every mailbox is
proven by its mailed link, every copy is approved by one colleague and every erasure proposed by one and approved by
another: this process plays them all, and does so on the same cores and in the same time. Copies are written, sealed and
read back, erasures carried out and searched for. CPU seconds are those of the worker and of PostgreSQL.

The baseline reads, or erases, the rows of as many people by bare SQL in two processes (`benchmarks.bare`).
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks import bare, people
from benchmarks.figures import Figure
from benchmarks.people import Someone
from benchmarks.sink import Sink
from crasme.celery import app
from crasme.crm.models import UsageEvent
from crasme.embedded import processes
from crasme.kit.claims import WorkState
from crasme.run.plan import Ports, children
from crasme.staff.models import User
from privacy.models import Message, Package, Plan, Request
from privacy.services import approvals, confirmation, intake
from privacy.states import Outcome, State

ROWS, REQUESTS = 200, 1_000
FEW = 20  # rows of a person in the run that stands beside the peer
PATIENCE = 1_800
PAUSE = 0.2
SWEEP_EVERY = 60
ANSWERS = ("package-ready", "erased")
PEER = {Request.Kind.ACCESS: (54, 0.87), Request.Kind.DELETION: (27, 1.87)}
WORDS = {Request.Kind.ACCESS: "access", Request.Kind.DELETION: "erasure"}
ROOT = Path(__file__).resolve().parent.parent


def run(rows: int, requests: int = REQUESTS) -> Iterator[Figure]:
    """Requests a minute, and CPU seconds a request, for access and for erasure; with `rows` and with few rows each."""
    agents = [User.objects.create_superuser(f"{name}@bench.example", None) for name in ("first", "second")]
    with Sink() as sink, worker(sink.port) as process:
        for size in dict.fromkeys((rows, FEW)):
            mark, now = f"r{size}-", timezone.now()
            readers = people.make(requests, size, mark=f"{mark}access", now=now)
            leavers = people.make(requests, size, mark=f"{mark}erasure", now=now)
            yield from _figures(Request.Kind.ACCESS, readers, agents, sink, process, size)
            # The bare erasures end those whose copies have been made, so that as many rows are there for both.
            yield from _figures(Request.Kind.DELETION, leavers, agents, sink, process, size, bare_on=readers)


@contextmanager
def worker(mail_port: int) -> Iterator[psutil.Process]:
    """The worker as `make run` starts it: one parent, two processes, all queues."""
    child = children(Ports(web=0, flower=0, mail=mail_port), mail_spool=Path())["worker"]
    log = Path(settings.DATA_DIR) / "bench-worker.log"
    environment = os.environ | {"EMAIL_URL": f"smtp://127.0.0.1:{mail_port}"}
    process = processes.spawn(child.command, log=log, environment=environment, folder=ROOT)
    try:
        if not processes.wait_until(lambda: b" ready." in log.read_bytes() or process.poll() is not None, 60):
            raise RuntimeError("the worker did not start")
        yield psutil.Process(process.pid)
    finally:
        processes.stop_child(process, processes.SOFTLY)


def _figures(
    kind: Request.Kind,
    asking: list[Someone],
    agents: list[User],
    sink: Sink,
    process: psutil.Process,
    rows: int,
    *,
    bare_on: list[Someone] | None = None,
) -> Iterator[Figure]:
    measured = _Run(kind, asking, agents, sink, process)
    measured.go()
    measured.check(rows)
    statements = bare.READS if kind == Request.Kind.ACCESS else bare.ERASURES
    before = _cpu(_postmaster())
    seconds, cpu = bare.run(os.environ["DATABASE_URL"], statements, [str(each.account) for each in bare_on or asking])
    cpu += _cpu(_postmaster()) - before
    count, word = len(asking), WORDS[kind]
    note = f"{rows} rows a person, against bare SQL of the same rows in two processes"
    if rows == FEW:
        rate, each = PEER[kind]
        note += f"; the strongest open peer measured did {rate} a minute for {each} CPU s each"
    name = f"{word}_{rows}"
    yield Figure(f"{name}_throughput", count * 60 / measured.seconds, "requests/min", count * 60 / seconds, count, note)
    yield Figure(f"{name}_cpu", measured.cpu / count, "CPU s", cpu / count, count, note)


class _Run:
    """All requests of one kind, from the first submission to the last answer."""

    def __init__(
        self, kind: Request.Kind, asking: list[Someone], agents: list[User], sink: Sink, process: psutil.Process
    ) -> None:
        self.kind, self.asking, self.agents, self.sink, self.process = kind, asking, agents, sink, process
        self.mine = Request.objects.filter(kind=kind, person__email_hash__isnull=False)
        self.seconds = self.cpu = 0.0

    def go(self) -> None:
        sink, begun = self.sink, timezone.now()
        self.mine = Request.objects.filter(kind=self.kind, received_at__gte=begun)
        cpu, started = self._cpu(), time.perf_counter()
        for someone in self.asking:
            intake.submit(intake.Submission(kind=self.kind, email=someone.email), now=timezone.now())
        swept = time.perf_counter()
        while not self._answered():
            for token in sink.tokens():
                confirmation.confirm_by_link(token, now=timezone.now())
            self._decide()
            if time.perf_counter() - swept > SWEEP_EVERY:  # as beat would
                swept = time.perf_counter()
                app.send_task("privacy.tasks.sweep", queue="clock")
            if time.perf_counter() - started > PATIENCE:
                raise RuntimeError(f"not all were answered in {PATIENCE} s: {self._standing()}")
            time.sleep(PAUSE)
        self.seconds, self.cpu = time.perf_counter() - started, self._cpu() - cpu

    def _decide(self) -> None:
        first, second = self.agents
        for plan in Plan.objects.filter(request__in=self.mine.filter(state=State.REVIEW)).select_related("request"):
            given = {"plan_hash": plan.hash, "now": timezone.now()}
            if self.kind == Request.Kind.ACCESS:
                approvals.release(plan.request, by=first, **given)
            else:
                approvals.propose_erasure(plan.request, by=first, **given)
                approvals.approve_erasure(plan.request, by=second, **given)

    def _answered(self) -> bool:
        sent = Message.objects.filter(template__in=ANSWERS, state=WorkState.DONE, request__in=self.mine)
        return sent.count() == len(self.asking)

    def check(self, rows: int) -> None:
        """Whether everybody got what they asked for, all of it."""
        given = self.mine.filter(state=State.CLOSED, outcome__in=(Outcome.GRANTED, Outcome.PARTLY)).count()
        accounts = [each.account for each in self.asking]
        if self.kind == Request.Kind.ACCESS:
            copied = Package.objects.filter(request__in=self.mine).values_list("rows", flat=True)
            short = sum(sum(n for label, n in each.items() if label.startswith("crm.")) < rows - 1 for each in copied)
        else:
            short = UsageEvent.objects.filter(account__in=accounts).count()
        if given != len(accounts) or short:
            raise RuntimeError(
                f"{given} of {len(accounts)} were granted; {short} copies or rows are not as they must be"
            )

    def _standing(self) -> dict[str, int]:
        states = list(self.mine.values_list("state", flat=True))
        return {state: states.count(state) for state in set(states)}

    def _cpu(self) -> float:
        return _cpu(self.process) + _cpu(_postmaster())


def _postmaster() -> psutil.Process:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(cursor.fetchone()[0]).parent()


def _cpu(process: psutil.Process) -> float:
    """CPU seconds of a process and of its children, the living and those that have ended."""
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            each = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += each.user + each.system + each.children_user + each.children_system
    return float(total)
