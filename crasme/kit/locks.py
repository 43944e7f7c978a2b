"""Advisory locks of a transaction: PostgreSQL lets go of them with the commit, whatever became of the process.

What could go wrong: a row becomes untouchable (a legal hold, a restriction of processing) after a purge has looked
and before it has deleted. So whoever deletes by a rule shares UNTOUCHABLE from the look to the commit, and whoever
makes rows untouchable takes it alone, before locking any row.
"""

from typing import Final

from django.db import connection

UNTOUCHABLE: Final = "retention: holds"


def share(name: str) -> None:
    """Until this transaction ends nobody takes the lock alone; others may share it."""
    _execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", name)


def exclusive(name: str) -> None:
    """Wait until nobody has the lock; until this transaction ends nobody else gets it."""
    _execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", name)


def _execute(sql: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, [name])
