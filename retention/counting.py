"""Counting for people who look at a page: no further than it tells them something, no longer than they would wait.

What could go wrong: a page that reads fifty million rows for one figure, whenever somebody opens it (every statement
has an end, and there is none more after it), or a time-out that goes on counting for the rest of the request's
transaction (it is put back).
"""

import time
from collections.abc import Callable
from math import ceil
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

PATIENCE: Final = 3  # seconds for one figure, or for all of several that somebody waits for


class _Over(Exception):
    """Time is up before the next statement."""


def patience() -> float:
    """Until when (monotonic) somebody waits for several figures that belong together."""
    return time.monotonic() + PATIENCE


def in_time[T](ask: Callable[[], T], *, seconds: float = PATIENCE) -> T | None:
    """The answer; None when it takes longer than `seconds`: then no further statement is begun, and the one that is
    under way gets as long once more at most. Only for what reads."""
    if seconds <= 0:
        return None
    end = time.monotonic() + seconds

    def begin(execute: Callable[..., Any], *statement: Any) -> Any:
        if time.monotonic() >= end:
            raise _Over
        return execute(*statement)

    try:
        with transaction.atomic():
            before = _limit(f"{ceil(seconds * 1000)}ms")
            with connection.execute_wrapper(begin):
                answer = ask()
            _limit(before)
            return answer
    except _Over:
        return None
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise


def up_to(rows: Callable[[], QuerySet[Any]], limit: int, *, until: float | None = None) -> int:
    """The number of rows, which are asked for within the time; `limit` + 1 when there are more, or when it cannot be
    told in time: each statement's, or what is left `until` then (see `patience`)."""
    seconds = PATIENCE if until is None else until - time.monotonic()
    counted = in_time(lambda: at_most(rows(), limit), seconds=seconds)
    return limit + 1 if counted is None else counted


def at_most(rows: QuerySet[Any], limit: int) -> int:
    """The number of rows, `limit` + 1 when there are more; however long it takes, where "many" would be a verdict."""
    return int(rows.order_by().values("pk")[: limit + 1].count())


def words(count: int, limit: int) -> str:
    return _("more than {limit}").format(limit=f"{limit:,}") if count > limit else f"{count:,}"


def _limit(value: str) -> str:
    """Set it for this transaction; what it was before."""
    with connection.cursor() as cursor:
        # Parted, because the old value would be read after the new one was set.
        cursor.execute("SELECT current_setting('statement_timeout')")
        before = str(cursor.fetchone()[0])
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [value])
    return before
