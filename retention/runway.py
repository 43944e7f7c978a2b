"""How many months of partitions are made ahead: when there are none left, rows of the new month are refused.

What could go wrong: the task that makes them stops, and nobody sees it for a quarter. So a runway is short long before
it ends, for every partitioned table there is, whichever room it belongs to.
"""

from datetime import datetime
from typing import Final

from django.db import connection

from crasme.kit import partitions

SHORT: Final = 2  # months; three are made ahead, four times a day


def ahead(now: datetime) -> dict[str, int]:
    """Table → months ready after the current one without a gap; -1 when even this month is missing."""
    return {table: partitions.months_ahead(connection, table, now) for table in partitions.tables(connection)}


def short(now: datetime) -> dict[str, int]:
    """Those that somebody must look after."""
    return {table: months for table, months in ahead(now).items() if months < SHORT}
