"""How long a run may take, and what it has cost so far."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

Reached = Callable[[str], None]


def silent(boundary: str) -> None:
    """The `reached` of whoever does not watch."""


@dataclass(slots=True)
class Watch:
    """Started with the injected `now`, which stays: cut-offs and dates written are those of the start."""

    now: datetime
    budget: timedelta | None = None
    reached: Reached = silent
    _started: float = field(default_factory=time.monotonic)
    _lap: float = field(default_factory=time.monotonic)
    _wal: int = field(default_factory=lambda: _wal_position())  # noqa: PLW0108  (it is defined below)

    @property
    def elapsed(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._started)

    def instant(self) -> datetime:
        """The time by now: the injected one and what has passed since."""
        return self.now + self.elapsed

    def is_over(self) -> bool:
        """The budget is used up: stop between two batches, the next tick goes on."""
        return self.budget is not None and self.elapsed >= self.budget

    def lap(self) -> tuple[timedelta, int]:
        """Time and WAL bytes since the last lap (or the start). The WAL is the whole server's."""
        moment, position = time.monotonic(), _wal_position()
        spent, written = moment - self._lap, position - self._wal
        self._lap, self._wal = moment, position
        return timedelta(seconds=spent), written


def _wal_position() -> int:
    """Bytes since the beginning of the write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
        return int(cursor.fetchone()[0])
