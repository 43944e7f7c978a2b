"""Usage events past their 24 months: the retention run against plain deleting, on the same rows with the same holds.

Four ways to end what is over, each on rows of its own, which came in the order of their time: the run (partitions
dropped, held rows carried over, digests and evidence written), one DELETE with the condition that the run obeys, the
same in batches of 10,000 by Django's `_raw_delete`, and `QuerySet.delete()` with somebody listening to `post_delete`.
The last two are slow, so they get a slice; their notes say how large. Rows a second are compared, and the write-ahead
log of a row, and memory.
"""

import os
import resource
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psutil
from django.db import connection
from django.db.models.signals import post_delete
from django.utils import timezone

from benchmarks import retained
from benchmarks.figures import Figure, middle
from crasme.crm import partitions
from crasme.crm.models import Account, HeldUsageEvent, Organisation, UsageEvent
from crasme.kit import partitions as months
from crasme.staff.models import User
from retention import holds, predicate
from retention.engine.watch import Watch
from retention.models import Rule

ROWS = 5_000_000
ACCOUNTS, HELD = 2_000, 10  # half a percent of the people, and so of their events
DAYS = 4 * 365  # half of them before the 24 months
BATCH = 10_000
BATCHED_SHARE, SIGNALS_SHARE = 0.1, 0.01  # of what is over
ROUNDS = 3  # of the run and of the one DELETE, in turn: whatever else the machine does falls on both
MEGABYTE = 1024 * 1024


def run(rows: int) -> Iterator[Figure]:
    """The run's rows a second against each other way, its log and its memory."""
    now = timezone.now()
    rule = Rule.objects.active().get(slug="usage")
    people(now)
    fill(rows, now)
    over = predicate.releasable(rule, rule.cutoff(now))
    expired = over.count()
    signals = _measured(_with_signals, _oldest(over, SIGNALS_SHARE * expired))
    batched = _measured(_in_batches, _oldest(over, BATCHED_SHARE * expired))
    rounds = []
    for turn in range(ROUNDS):
        today = now + timedelta(days=turn)  # a rule has one run a day
        over = predicate.releasable(rule, rule.cutoff(today))
        refill(rows, now, rule.cutoff(today))
        raw = _measured(over._raw_delete, "default")
        refill(rows, now, rule.cutoff(today))
        kept = _remaining() - over.count()
        ended = _measured(retained.carried_out, rule, today)
        if over.exists() or _remaining() != kept:
            raise RuntimeError("the run ended other rows than those that are over")
        rounds.append((ended, raw))
    (ended, raw), which = middle(rounds, lambda each: each[0].rate / each[1].rate)

    def against(other: "Measured", what: str) -> str:
        return f"digests and evidence included, against {what} of {other.rows:,} rows"

    one, many, watched = "one DELETE", f"DELETEs of {BATCH:,} rows", "QuerySet.delete() with a signal receiver"
    yield Figure("purge_partitions", ended.rate, "rows/s", raw.rate, ended.rows, f"{against(raw, one)}, {which}")
    yield Figure("purge_partitions_batched", ended.rate, "rows/s", batched.rate, ended.rows, against(batched, many))
    yield Figure("purge_partitions_signals", ended.rate, "rows/s", signals.rate, ended.rows, against(signals, watched))
    yield Figure("purge_partitions_wal", ended.wal, "bytes/row", raw.wal, ended.rows, against(raw, one))
    yield Figure("purge_partitions_memory", ended.memory, "MB", signals.memory, ended.rows, against(signals, watched))


@dataclass(frozen=True, slots=True)
class Measured:
    rows: int
    seconds: float
    wal_bytes: int
    memory: float  # MB that this process grew by at most

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def wal(self) -> float:
        return self.wal_bytes / self.rows


def _measured(way: Callable[..., int], *given: Any) -> Measured:
    retained.settle()
    with _Memory() as memory:
        watch = Watch(timezone.now())
        rows = int(way(*given))
        spent, wal_bytes = watch.lap()
    return Measured(rows, spent.total_seconds(), wal_bytes, memory.grown / MEGABYTE)


class _Memory:
    """How much this process grew at most, looked at fifty times a second; a page at least."""

    def __enter__(self) -> "_Memory":
        self._process = psutil.Process(os.getpid())
        self._before = self._most = self._process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        return max(self._most - self._before, resource.getpagesize())

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self._most = max(self._most, self._process.memory_info().rss)


# --- the ways ---------------------------------------------------------------------------------------------------------
def _in_batches(rows: Any) -> int:
    """As many products do it: the keys of the next batch, then a DELETE of them."""
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.filter(pk__in=keys)._raw_delete("default")
    return deleted


def _with_signals(rows: Any) -> int:
    heard = []

    def listen(instance: UsageEvent, **_more: object) -> None:
        heard.append(instance.pk)

    post_delete.connect(listen, sender=UsageEvent)
    try:
        rows.delete()
    finally:
        post_delete.disconnect(listen, sender=UsageEvent)
    return len(heard)


# --- the rows ---------------------------------------------------------------------------------------------------------
def people(now: datetime) -> None:
    began = now - timedelta(days=DAYS)
    organisation = Organisation.objects.create(name="Bench", country="AT", created_at=began)
    people = [
        Account(organisation=organisation, email=f"usage{number}@bench.example", full_name="Ada", created_at=began)
        for number in range(ACCOUNTS)
    ]
    Account.objects.bulk_create(people)
    owner = User.objects.create_superuser("holds@bench.example", None)
    items = [holds.account(each.pk) for each in people[:HELD]]
    day = (now + timedelta(days=90)).date()
    holds.place(matter="B-1", reason="Bench", owner=owner, review_on=day, items=items, actor="system:bench", now=now)


def fill(rows: int, now: datetime) -> None:
    """`rows` events in equal steps over four years, of all people in turn, and none else."""
    _put(rows, now, "crm_usageevent", now + timedelta(days=1))


def refill(rows: int, now: datetime, cutoff: datetime) -> None:
    """The same again after something ended what lies before the cut-off; younger months stay as they are."""
    begun = [each for each in months.existing(connection, "crm_usageevent") if each.lower < cutoff]
    _put(rows, now, ", ".join(each.name for each in begun), max(each.upper for each in begun))


def _put(rows: int, now: datetime, emptied: str, until: datetime) -> None:
    began = now - timedelta(days=DAYS)
    partitions.make_span(began - timedelta(days=31), now)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {emptied}, crm_heldusageevent")
        cursor.execute(
            """
            WITH people AS (SELECT array_agg(id ORDER BY email) AS ids FROM crm_account WHERE email LIKE 'usage%%')
            INSERT INTO crm_usageevent (id, occurred_at, account_id, kind, name, duration_ms, detail)
            SELECT uuidv7(at - now()), at, ids[1 + number %% %s], 'search', 'search', 120, '{"query": "new offers"}'
            FROM people, generate_series(1, %s) AS number,
            LATERAL (SELECT %s::timestamptz + number * %s::interval) AS moment (at)
            WHERE at < %s
            """,
            [ACCOUNTS, rows, began, timedelta(days=DAYS) / rows, until],
        )
        cursor.execute("VACUUM (ANALYZE) crm_usageevent")


def _oldest(rows: Any, count: float) -> Any:
    """Those that are older than the row with this number; by their date, as a product would ask."""
    dates = rows.order_by("occurred_at").values_list("occurred_at", flat=True)
    return rows.filter(occurred_at__lt=dates[max(1, int(count))])


def _remaining() -> int:
    return int(UsageEvent.objects.count() + HeldUsageEvent.objects.count())
