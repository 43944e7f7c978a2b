"""Advisory locks of PostgreSQL: they vanish with the connection, so a killed worker never leaves one behind.

What could go wrong: a hold is placed after a purge has looked and before it has deleted. So every transaction that
deletes shares one lock from its look to its commit, and placing a hold takes the same lock for itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from crasme.kit.locks import UNTOUCHABLE as HOLDS


def share_holds() -> None:
    """Until this transaction ends no hold can be placed or released; other purges may go on."""
    _execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", HOLDS)


def exclude_purges() -> None:
    """Wait until no purge is between its look and its commit; until this transaction ends, none begins.

    For whoever makes rows untouchable: holds, and restrictions of processing. Take it before any row is locked.
    """
    _execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", HOLDS)


@contextmanager
def only_one(name: str) -> Iterator[bool]:
    """Whether this connection alone may do `name` now; false at once when another has it. Ends with the block."""
    mine = _execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name)
    try:
        yield mine
    finally:
        # A connection that broke has lost its locks; asking it would only hide the error that broke it.
        if mine and connection.is_usable():
            _execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)


def _execute(sql: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [name])
        return bool(cursor.fetchone()[0])
