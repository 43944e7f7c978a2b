"""Small helpers that the checks share."""

from typing import Any, Final

from django.db.models import QuerySet

from retention import counting

# Enough to see how bad it is; counting millions of late rows would make the board slow exactly when it matters.
MOST: Final = 10_000


def count(rows: QuerySet[Any]) -> int:
    """The number of rows, at most MOST + 1. Without a limit of time: rows that were not counted break no promise."""
    return counting.at_most(rows, MOST)


def shown(number: int) -> str:
    """ "1,234", or "more than 10,000" where counting stopped."""
    return counting.words(number, MOST)
