"""Reporting cookies that the guard met, or that outlived a refusal in a browser: once a process for each name and
route, and never at a page's expense.

What could go wrong: a library that puts a random number into each cookie's name floods the table (a process stops
after so many), or the database is away and a page fails for the sake of a report (the failure is logged).
"""

import logging

from django.db import DatabaseError, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone

from consent import verbs
from consent.inserts import insert_once
from consent.models import CookieSighting
from crasme.ledger.services import record

logger = logging.getLogger(__name__)
MOST_REPORTS = 500
NO_PAGE = "(no page)"
State = CookieSighting.State
_reported: set[tuple[str, str, str]] = set()


def report(request: HttpRequest, name: str, reason: str, *, dropped: bool) -> None:
    """Note that this response wanted to set `name`. Never raises for a database that is away or refuses."""
    match = getattr(request, "resolver_match", None)
    # The pattern, not the path: paths carry tokens and references of people.
    _report(name, f"/{match.route}" if match is not None else NO_PAGE, reason, dropped=dropped)


def survived(name: str, page: str) -> None:
    """Note that a browser still held what the registry calls `name` after its visitor refused it, on this path."""
    try:
        route = f"/{resolve(page).route}"
    except Resolver404:
        route = NO_PAGE
    _report(name, route, CookieSighting.Reason.SURVIVED, dropped=False)


def settle(sighting: CookieSighting, state: CookieSighting.State, *, actor: str) -> None:
    """Staff call it resolved (until it is seen again), ignored or open; the ledger keeps who did."""
    with transaction.atomic():
        locked = CookieSighting.objects.select_for_update().get(pk=sighting.pk)
        if locked.state == state:
            return
        locked.state = state
        locked.save(update_fields=["state"])
        record(
            verbs.SIGHTING_SETTLED.name,
            actor=actor,
            cookie=locked.name,
            route=locked.route,
            reason=locked.reason,
            state=str(state),
        )


def _report(name: str, route: str, reason: str, *, dropped: bool) -> None:
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
                count=F("count") + 1,
                dropped=dropped,
                last_seen_at=Greatest(F("last_seen_at"), Value(now)),
                state=Case(When(state=State.RESOLVED, then=Value(State.OPEN)), default=F("state")),
            )
