"""Small helpers that the checks share."""

from typing import Any, Final

from django.db.models import QuerySet

# Enough to see how bad it is; counting millions of late rows would make the board slow exactly when it matters.
MOST: Final = 10_000


def count(rows: QuerySet[Any]) -> int:
    """The number of rows, at most MOST + 1."""
    return int(rows.order_by()[: MOST + 1].count())


def shown(number: int) -> str:
    """ "1,234", or "more than 10,000" where counting stopped."""
    return f"{number:,}" if number <= MOST else f"> {MOST:,}"
