"""Usage events over thirty months, in the order in which they happened, straight into their partitions by COPY."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import connection, transaction

from crasme.crm.models import Account
from crasme.demo.plan import Demo
from crasme.kit import partitions

CHUNK = 100_000
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


def make(demo: Demo, *, progress: Callable[[int, int], None]) -> dict[str, int]:
    """Rows made. Each chunk is a transaction of its own: ten million rows in one hold back vacuum."""
    rng = demo.rng("usage")
    first, last = demo.usage_start.date(), (demo.now + timedelta(days=92)).date()
    partitions.ensure_months(connection, "crm_usageevent", first, last)
    accounts = [
        (str(pk), created.timestamp(), (closed or demo.now).timestamp())
        for pk, created, closed in Account.objects.order_by("pk").values_list("pk", "created_at", "closed_at")
    ]
    rows = _rows(demo, rng, accounts)
    made = 0
    while chunk := list(islice(rows, CHUNK)):
        copy_sql = f"COPY crm_usageevent ({COLUMNS}) FROM STDIN"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(copy_sql) as copy:
            copy.write("".join(chunk))
        made += len(chunk)
        progress(made, demo.size.events)
    return {"usage events": made}


def _rows(demo: Demo, rng: random.Random, accounts: list[tuple[str, float, float]]) -> Iterator[str]:
    """COPY lines in time order; an account has events only between its creation and its closure."""
    start, end = demo.usage_start.timestamp(), demo.now.timestamp()
    step = (end - start) / demo.size.events
    tails = [
        f"{kind}\t{name}\t{duration if duration is not None else '\\N'}\t{_escaped(detail)}\n"
        for kind, name, duration, detail in TAILS
    ]
    by_creation = sorted(accounts, key=lambda account: account[1])
    oldest = by_creation[: max(1, len(by_creation) // 50)]
    known, bits, choice, uniform = 0, rng.getrandbits, rng.choice, rng.random
    for index in range(demo.size.events):
        moment = start + (index + uniform()) * step
        while known < len(by_creation) and by_creation[known][1] < moment:
            known += 1
        account = by_creation[int(uniform() * known)] if known > len(oldest) else choice(oldest)
        if account[2] < moment:
            account = choice(oldest)
        occurred = datetime.fromtimestamp(moment, UTC)
        value = int(moment * 1000) << 80 | 0x7 << 76 | bits(12) << 64 | 0b10 << 62 | bits(62)
        yield f"{value:032x}\t{occurred.isoformat()}\t{account[0]}\t{choice(tails)}"


def _escaped(detail: dict[str, str]) -> str:
    return json.dumps(detail, ensure_ascii=False).replace("\\", "\\\\")
