"""In which month a choice is filed, from its id alone, and the partitions for it.

What could go wrong: the same choice arrives twice, weeks apart, and lands in two partitions, where the primary key
cannot see that it is one. So the month comes from the instant inside the UUIDv7, not from the clock of the arrival. A
browser whose clock is far off makes ids of months that have no partition; those are filed under the first instant of
the month in which they arrived, and a retry is looked for in the month before as well (`consent.services`).
"""

import uuid
from datetime import datetime, timedelta

from django.db import connections

from crasme.kit.calendar import Period, add, cutoff, month_floor
from crasme.kit.ids import uuid7_instant
from crasme.kit.partitions import ensure_months

TABLE = "consent_consentevent"
# A browser keeps an unsent choice for 30 days; the rest is what clocks may differ.
OLDEST = timedelta(days=35)
NEWEST = timedelta(days=1)
MONTHS_BEHIND = Period(months=2)
MONTHS_AHEAD = Period(months=3)


def filed_at(event_id: uuid.UUID, now: datetime) -> datetime:
    """The partition key of an event that arrived at `now`. ValueError when the id is no UUIDv7."""
    made = uuid7_instant(event_id)
    return made if now - OLDEST <= made <= now + NEWEST else month_floor(now)


def make_partitions(now: datetime, *, using: str = "default") -> list[str]:
    """The months that choices arriving from `now` until three months later can be filed in; names of those made."""
    return ensure_months(connections[using], TABLE, cutoff(now, MONTHS_BEHIND), add(now, MONTHS_AHEAD))
