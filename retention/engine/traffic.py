"""Giving way: while others are at work on the database, a purge takes small bites and rests after each.

What others feel of a purge is measured by `benchmarks/purge_under_load.py`: processors taken by parallel workers, a
commit that waits while somebody else's log is written to the disk, and the instant in which a dropped month locks its
table. So beside others a purge uses no parallel workers, writes little at once, and rests for longer than it worked,
and for much longer than it kept everybody waiting.

What could go wrong: a purge that sees itself (parallel workers are no client's sessions), one that never comes to its
end on a busy server (it rests, but never waits for the server to be quiet), or sessions of other roles, whose work
PostgreSQL shows only to members of `pg_read_all_stats`: these go unseen without it.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import connection

LATELY: Final = "250 ms"
RESTED: Final = "rested"  # in `progress`
REST: Final = 4.0  # so many times as long as it worked
SELDOM: Final = 30.0  # and so many times as long as others could not pass at all: three seconds of a hundred
SHORTEST, LONGEST = 0.02, 2.0  # seconds of one rest


@dataclass(slots=True)
class Traffic:
    """`busy` is what the last look found; `rested` the seconds for which the run has rested, those of earlier ticks
    included."""

    busy: bool = False
    rested: float = 0.0
    _since: float = field(default_factory=time.monotonic)
    _blocking: float | None = None

    def look(self) -> bool:
        """Whether others are at work at this moment: how many sessions began or ended a statement a moment ago."""
        limit = settings.RETENTION_GIVES_WAY_TO
        self.busy = bool(limit) and _others() >= limit
        return self.busy

    def told(self) -> dict[str, Any]:
        """What a run's progress says of it; nothing when it never had to rest."""
        return {RESTED: round(self.rested, 1)} if self.rested else {}

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def blocks(self) -> None:
        """From here to the end of the transaction nobody else passes."""
        self._blocking = time.monotonic()

    def rest(self) -> None:
        """After a piece of work, outside of any transaction."""
        if self.look():
            moment = time.monotonic()
            blocked = moment - self._blocking if self._blocking is not None else 0.0
            seconds = min(max((moment - self._since) * REST, blocked * SELDOM, SHORTEST), LONGEST)
            self.sleep(seconds)
            self.rested += seconds
        self._blocking = None
        self._since = time.monotonic()


def _others() -> int:
    with connection.cursor() as cursor:
        if connection.in_atomic_block:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction is shown one moment again and again
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
            " AND (state = 'active' OR state_change > clock_timestamp() - %s::interval)",
            [LATELY],
        )
        return int(cursor.fetchone()[0])
