"""Reporting cookies that the guard met: once a process for each name and route, and never at a page's expense.

What could go wrong: a library that puts a random number into each cookie's name floods the table (a process stops
after so many), or the database is away and a page fails for the sake of a report (the failure is logged).
"""

import logging

from django.db import DatabaseError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils import timezone

from consent.inserts import insert_once
from consent.models import CookieSighting

logger = logging.getLogger(__name__)
MOST_REPORTS = 500
_reported: set[tuple[str, str, str]] = set()


def report(request: HttpRequest, name: str, reason: str, *, dropped: bool) -> None:
    """Note that this response wanted to set `name`. Never raises for a database that is away or refuses."""
    match = getattr(request, "resolver_match", None)
    # The pattern, not the path: paths carry tokens and references of people.
    route = f"/{match.route}" if match is not None else "(no page)"
    key = (name[:120], route[:200], str(reason))
    if key in _reported or len(_reported) >= MOST_REPORTS:
        return
    _reported.add(key)
    try:
        _store(*key, dropped=dropped)
    except DatabaseError:
        logger.warning("A cookie sighting could not be stored: %s on %s, %s.", *key)


def forget() -> None:
    """Report everything anew in this process."""
    _reported.clear()


def _store(name: str, route: str, reason: str, *, dropped: bool) -> None:
    now = timezone.now()
    row = CookieSighting(name=name, route=route, reason=reason, dropped=dropped, first_seen_at=now, last_seen_at=now)
    with transaction.atomic():
        if not insert_once(row):
            CookieSighting.objects.filter(name=name, route=route, reason=reason).update(
                count=F("count") + 1, dropped=dropped, last_seen_at=Greatest(F("last_seen_at"), Value(now))
            )
