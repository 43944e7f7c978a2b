"""The months of the usage table: made ahead by a task, and on demand when old events arrive.

What could go wrong: the task did not run for a quarter and the first event of a new month is refused. The gauge
`crasme_crm_months_ahead` falls long before that, and the intake makes a missing month itself.
"""

from datetime import datetime

from django.db import connection

from crasme.crm.models import UsageEvent
from crasme.kit import calendar, partitions
from crasme.kit.calendar import Period, months_between, start_of

TABLE = UsageEvent._meta.db_table
AHEAD = Period(months=3)


def make_ahead(now: datetime) -> list[str]:
    """This month and the three after it; the names of those that were missing. Idempotent, also at once."""
    return partitions.ensure_months(connection, TABLE, now, calendar.add(calendar.month_floor(now), AHEAD))


def make_span(first: datetime, last: datetime) -> list[str]:
    """The months from the one of `first` to the one of `last` that are still missing; the names of those made.

    Call it outside the transaction that inserts: making a month holds a lock that other callers wait for.
    """
    have = {each.lower for each in partitions.existing(connection, TABLE)}
    if all(start_of(month) in have for month in months_between(first, last)):
        return []
    return partitions.ensure_months(connection, TABLE, first, last)


def months_ahead(now: datetime) -> int:
    """How many months after the current one are ready without a gap; -1 when even this month is missing."""
    return partitions.months_ahead(connection, TABLE, now)
