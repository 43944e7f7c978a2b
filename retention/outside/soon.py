"""Acts that go to the ledger in the moment after their COMMIT: restrictions, opt-outs, and their ends.

What could go wrong: somebody's wish is refused, or waits, because the ledger's disk is away (it is committed with its
act, and the ledger has it as soon as it can be reached), a thousand of them at once (they go together, by one writing),
or one that came back with a backup is written a second time, behind the act that ended it (a replay takes it out: the
entry names the row).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crasme.kit.ids import uuid7
from retention.errors import RetentionError
from retention.models import ErasureWaiting
from retention.outside import writing

logger = logging.getLogger(__name__)

AT_ONCE = 500
_silent: ContextVar[bool] = ContextVar("silent", default=False)


def note(act: str, *, now: datetime, **content: Any) -> None:
    """In the transaction of the act; what settings.WRITES_OUTSIDE names."""
    if _silent.get():
        return
    ErasureWaiting.objects.create(id=uuid7(), act=act, at=now, content=content)
    if not any(hook[1] is _after_commit for hook in connection.run_on_commit):
        transaction.on_commit(_after_commit, robust=True)


def drain() -> int:
    """Write what waits; how many acts. GateShut or LedgerUnreachable while this database may not, or cannot."""
    count = 0
    while ErasureWaiting.objects.exists():
        with transaction.atomic():
            # What another is writing just now is left to it.
            rows = list(ErasureWaiting.objects.order_by("id").select_for_update(skip_locked=True)[:AT_ONCE])
            if not rows:
                break
            ErasureWaiting.objects.filter(pk__in=[row.pk for row in rows]).delete()
            writing.write([writing.Act(row.act, row.at, {"id": str(row.pk)} | row.content) for row in rows])
        count += len(rows)
    return count


@contextmanager
def nothing_new() -> Iterator[None]:
    """What is done inside of it is in the ledger already."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def forget(key: str) -> None:
    """The ledger has it already: it came back with a backup."""
    ErasureWaiting.objects.filter(pk=key).delete()


def _after_commit() -> None:
    try:
        drain()
    except RetentionError as error:
        logger.warning("An act waits for the erasure ledger: %s.", error.code)
