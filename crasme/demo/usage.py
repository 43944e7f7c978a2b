"""Usage events over thirty months, in the order in which they happened, straight into their partitions by COPY."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched, islice

from django.db import connection, transaction

from crasme.crm.models import Account, UsageEvent
from crasme.demo.plan import Counts, Demo, Draw
from crasme.kit import partitions

TABLE = UsageEvent._meta.db_table
CHUNK, BLOCK = 100_000, 1_000
COLUMNS = "id, occurred_at, account_id, kind, name, duration_ms, detail"
SEARCHES = (
    "offene Angebote", "Rechnung März", "late invoices", "deals closing this week", "devis en attente",
    "clients Lyon", "facturas vencidas", "presupuesto taller", "عروض مفتوحة", "فواتير متأخرة",
)  # fmt: skip
PAGES = ("dashboard", "contacts", "deals", "tickets", "quotes", "dispatch", "reports", "settings")
TAILS = [
    *[("page", page, None, {}) for page in PAGES for _ in range(4)],
    *[("section", page, 30_000 + 7_000 * index, {}) for index, page in enumerate(PAGES) for _ in range(2)],
    *[("feature", name, None, {}) for name in ("bulk-edit", "calendar", "map", "pipeline", "merge")],
    *[("action", name, None, {}) for name in ("contact.create", "deal.move", "ticket.close", "quote.send")] * 2,
    *[("search", "search", 120, {"query": query}) for query in SEARCHES],
    *[("filter", "deals", None, {"stage": stage}) for stage in ("open", "won", "lost")],
    ("error", "sync-timeout", None, {"code": "E504"}),
    *[("performance", "page-load", 180 + 40 * index, {}) for index in range(6)],
]


def make(demo: Demo, draw: Draw) -> Counts:
    """Rows made. Each chunk is a transaction of its own: ten million rows in one hold back vacuum.

    The rows come in one order, so a run that was cut off goes on after the chunks that it had committed.
    """
    first, last = demo.usage_start.date(), (demo.now + timedelta(days=92)).date()
    partitions.ensure_months(connection, TABLE, first, last)
    made = UsageEvent.objects.count()
    rows = islice(_rows(demo, list(_spans(demo))), made, None)
    while chunk := _copy(islice(rows, CHUNK)):
        made += chunk
        draw(made, demo.size.events)
    return {"usage events": made}


def _copy(rows: Iterator[str]) -> int:
    """How many rows were stored. The server takes them in while the next ones are being thought up."""
    sent = 0
    copy_sql = f"COPY {TABLE} ({COLUMNS}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(copy_sql) as copy:
        for block in batched(rows, BLOCK):
            copy.write("".join(block))
            sent += len(block)
    return sent


@dataclass(frozen=True, slots=True)
class _Span:
    """When an account may have events, as seconds of the epoch: until it was closed, or restricted, if it was."""

    account: str
    begin: float
    end: float


def _spans(demo: Demo) -> Iterator[_Span]:
    accounts = Account.objects.order_by("created_at", "pk")
    for pk, *dates in accounts.values_list("pk", "created_at", "closed_at", "restricted_at").iterator():
        begin, *ends = (moment.timestamp() for moment in dates if moment is not None)
        yield _Span(str(pk), begin, min(ends, default=demo.now.timestamp()))


def _rows(demo: Demo, spans: list[_Span]) -> Iterator[str]:
    """COPY lines in the order of time; every event lies in the span of its account."""
    rng = demo.rng("usage")
    start, end = demo.usage_start.timestamp(), demo.now.timestamp()
    step = (end - start) / demo.size.events
    tails = [
        f"{kind}\t{name}\t{duration if duration is not None else '\\N'}\t{_escaped(detail)}\n"
        for kind, name, duration, detail in TAILS
    ]
    always = [span for span in spans if span.begin < start and span.end >= end]
    known, bits, choice, uniform = 0, rng.getrandbits, rng.choice, rng.random
    for index in range(demo.size.events):
        moment = start + (index + uniform()) * step
        while known < len(spans) and spans[known].begin < moment:
            known += 1
        span = spans[int(uniform() * known)]
        if span.end < moment:
            span = choice(always)
        occurred = datetime.fromtimestamp(moment, UTC)
        value = int(moment * 1000) << 80 | 0x7 << 76 | bits(12) << 64 | 0b10 << 62 | bits(62)
        yield f"{value:032x}\t{occurred.isoformat()}\t{span.account}\t{choice(tails)}"


def _escaped(detail: dict[str, str]) -> str:
    return json.dumps(detail, ensure_ascii=False).replace("\\", "\\\\")
