"""All deadlines anew, from the events: after counsel has changed a reading of the law (`clock.rules.VERSION`).

What could go wrong: a request whose clock moves at this very moment gets the dates of a moment ago. So each batch's
rows are locked before their events are read, in the order in which everybody locks them. Nothing is dated by hand: the
same function derives the dates of one request and of a hundred thousand.
"""

from collections import defaultdict
from itertools import batched
from uuid import UUID

from django.db import connection, transaction

from crasme.ledger.services import record
from privacy import verbs
from privacy.clock.deadlines import deadlines
from privacy.clock.events import Event
from privacy.clock.rules import VERSION
from privacy.models import ClockEvent, Request
from privacy.services.clock import DATES

BATCH = 2_000
# One statement a batch: an UPDATE for each would take most of the time.
UPDATE = f"""
UPDATE {Request._meta.db_table} AS request
SET promise_due = found.promise_due, law_due = found.law_due, effective_due = found.effective_due,
    rules_version = found.rules_version
FROM unnest(%s::uuid[], %s::date[], %s::date[], %s::date[], %s::varchar[])
    AS found (id, promise_due, law_due, effective_due, rules_version)
WHERE request.id = found.id
"""  # noqa: S608


def recompute(*, actor: str) -> int:
    """Derive the dates of every open request again; how many had others. Each batch is a transaction of its own.

    Closed ones keep the dates by which they were answered.
    """
    changed = 0
    keys = Request.objects.open().order_by("pk").values_list("pk", flat=True).iterator(chunk_size=BATCH)
    for batch in batched(keys, BATCH):
        with transaction.atomic():
            found = _batch(batch)
            if found:
                record(verbs.RECOMPUTED.name, actor=actor, requests=found, rules_version=VERSION)
        changed += found
    return changed


def _batch(keys: tuple[UUID, ...]) -> int:
    locked = Request.objects.open().select_for_update().filter(pk__in=keys).order_by("pk")
    requests = list(locked.values_list("pk", "kind", "regime", *DATES))
    events: defaultdict[UUID, list[Event]] = defaultdict(list)
    of_batch = ClockEvent.objects.filter(request__in=keys).order_by("at", "id")
    for request, *event in of_batch.values_list("request", "kind", "on", "facts"):
        events[request].append(Event(*event))
    columns: tuple[list[object], ...] = ([], [], [], [], [])
    for request, kind, regime, *before in requests:
        derived = deadlines(events[request], regime, kind=kind)
        after = [getattr(derived, name) for name in DATES]
        if after != before:
            for column, value in zip(columns, (request, *after), strict=True):
                column.append(value)
    if columns[0]:
        with connection.cursor() as cursor:
            cursor.execute(UPDATE, columns)
    return len(columns[0])
