"""A value that every request needs and almost none changes: kept in the process for half a minute.

What could go wrong: a request pays for a query, or the database is away and takes pages down that need no database.
So a read is a comparison of two numbers, and a failing reload leaves the former value in place.
"""

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, transaction

logger = logging.getLogger(__name__)
TTL = 30.0  # seconds; how stale another process may be


class Remembered[T]:
    """`get()` loads when nothing is held or it is older than TTL; `forget()` makes the next `get` load.

    `fallback` answers while the database cannot, until there has been a first value.
    """

    def __init__(self, load: Callable[[], T], *, fallback: Callable[[], T] | None = None) -> None:
        self._load, self._fallback = load, fallback
        self._value: T | None = None
        self._until = 0.0

    def get(self) -> T:
        now = time.monotonic()
        value = self._value
        if value is not None and now < self._until:
            return value
        try:
            with transaction.atomic():  # in an outer transaction a failure must not break what the caller does
                value = self._load()
        except DatabaseError:
            logger.warning("The cookie registry could not be read; going on with what is known.", exc_info=True)
            if value is None:
                if self._fallback is None:
                    raise
                return self._fallback()
        self._value, self._until = value, now + TTL
        return value

    def forget(self) -> None:
        self._value, self._until = None, 0.0
