"""How long a run may take, and what it has cost so far."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from retention.engine.pace import Pace
from retention.engine.traffic import Traffic
from retention.models import Run

Reached = Callable[[str], None]
Told = Callable[[Run], None]  # after each batch, before it is committed


def silent(boundary: str) -> None:
    """The `reached` of whoever does not watch."""


def unheard(run: Run) -> None:
    """The `told` of whoever does not ask how far a run is."""


@dataclass(slots=True)
class Watch:
    """Started with the injected `now`, which stays: cut-offs and dates written are those of the start."""

    now: datetime
    budget: timedelta | None = None
    reached: Reached = silent
    told: Told = unheard
    pace: Pace = field(default_factory=lambda: Pace.of(1))
    traffic: Traffic = field(default_factory=Traffic)
    _started: float = field(default_factory=time.monotonic)
    _lap: float = field(default_factory=time.monotonic)
    _begun: tuple[float, int] | None = None
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

    def give_way(self) -> bool:
        """Between two transactions: rest when others are at work, and say whether they are."""
        self.traffic.rest()
        self.pace.beside_others(self.traffic.busy)
        return self.traffic.busy

    def lap(self) -> tuple[timedelta, int]:
        """Time and WAL bytes since the last lap (or the start). The WAL is the whole server's."""
        moment, position = time.monotonic(), _wal_position()
        spent, written = moment - self._lap, position - self._wal
        self._lap, self._wal = moment, position
        return timedelta(seconds=spent), written

    def begin_batch(self) -> None:
        """From here on counts what the batch costs, by which the next one is sized."""
        self._begun = time.monotonic(), _wal_position()

    def end_batch(self, rows: int) -> None:
        """Right after a lap: the batch ended `rows` rows of its rule's target."""
        if self._begun is not None:
            (moment, position), self._begun = self._begun, None
            self.pace.measured(rows, timedelta(seconds=self._lap - moment), self._wal - position)


def _wal_position() -> int:
    """Bytes since the beginning of the write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
        return int(cursor.fetchone()[0])
