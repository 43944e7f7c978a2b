"""Measuring how far each rule is behind: the oldest overdue row, what is due and kept, intake against drain.

What could go wrong: a measurement that costs more than the purge (each count stops early and has a time limit; a table
that cannot be measured in time says so and harms no other), one that is cut off at the same rule each hour (it stops by
itself, and begins with what was measured longest ago), or an alarm for the hours until the daily run (a row is
late only after `models.standing.LATE`).
"""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Model, QuerySet, Sum

from crasme.kit import calendar
from retention import fields, grounds, locks, predicate
from retention.endings import Ending
from retention.errors import RuleBroken
from retention.models import Rule, Run, Standing
from retention.obstacles import Scopes

logger = logging.getLogger(__name__)

COUNT_UP_TO: Final = 100_000
TIME_LIMIT: Final = "8s"  # of each statement; with a dozen of them a rule, and the budget, less than a task may take
DAYS: Final = 7  # over which intake and drain are taken
LAST_RUNS: Final = 30


def measure(now: datetime, *, budget: timedelta | None = None) -> list[Standing]:
    """Take the standing of every rule in force, as far as `budget` goes; the ones that were taken. Nothing when another
    worker is at it."""
    begun = time.monotonic()
    taken: list[Standing] = []
    with locks.only_one("retention standing") as mine:
        if not mine:
            return taken
        Standing.objects.exclude(rule__state=Rule.State.ACTIVE).delete()
        longest_ago = F("standing__taken_at").asc(nulls_first=True)
        for rule in Rule.objects.in_force(now).acting().order_by(longest_ago, "slug"):
            if budget is not None and time.monotonic() - begun >= budget.total_seconds():
                logger.warning("Not every rule could be measured in time; the others are first the next time.")
                break
            standing = _of(rule, now)
            if standing.is_late(now):
                hours = standing.overdue(now).total_seconds() / 3600
                logger.error("The rule %s is behind: its oldest row is %.0f hours over.", rule.slug, hours)
            taken.append(standing)
    return taken


def _of(rule: Rule, now: datetime) -> Standing:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{TIME_LIMIT}'")
            values = _measured(rule, now)
            return Standing.objects.update_or_create(rule=rule, defaults=values)[0]
    except (DatabaseError, RuleBroken) as error:
        # What was known stays, and its age goes on growing.
        logger.warning("The standing of %s could not be measured: %s", rule.slug, type(error).__name__)
        known = Standing.objects.filter(rule=rule).first() or Standing(rule=rule, taken_at=now)
        known.trouble = type(error).__name__[:64]
        known.save()
        return known


def _measured(rule: Rule, now: datetime) -> dict[str, Any]:
    fields.require(rule)
    cutoff, scopes = rule.cutoff(now), Scopes.now()
    models = predicate.places(rule)
    overdue = [predicate.releasable(rule, cutoff, scopes=scopes, model=model) for model in models]
    due = sum(_counted(rows) for rows in overdue)
    oldest = min((at for rows in overdue if (at := _oldest(rule, rows)) is not None), default=None) if due else None
    kept = sum(_counted(predicate.deferred_by_few(rule, cutoff, scopes=scopes, model=model)) for model in models)
    drained, busy = _runs(rule)
    since = now - timedelta(days=DAYS)
    lately = Run.objects.filter(rule__slug=rule.slug, started_at__gt=since).aggregate(rows=Sum("rows_total"))["rows"]
    return {
        "taken_at": now,
        "oldest_end": _end(rule, oldest) if oldest is not None else None,
        "due": due,
        "kept": kept,
        "kept_why": list(_why(rule, cutoff, models, scopes)) if kept else [],
        "intake": _intake(rule, now) / DAYS,
        "drain": (lately or 0) / DAYS,
        "empty_in": timedelta(0) if not due else busy * (due / drained) if drained else None,
        "trouble": "",
    }


def _counted(rows: QuerySet[Any]) -> int:
    return int(rows.order_by().values("pk")[:COUNT_UP_TO].count())


def _oldest(rule: Rule, rows: QuerySet[Any]) -> date | datetime | None:
    oldest: date | datetime | None = rows.order_by(rule.anchor).values_list(rule.anchor, flat=True).first()
    return oldest


def _end(rule: Rule, anchor: date | datetime) -> datetime:
    end = calendar.add(anchor, rule.length)
    return end.astimezone(UTC) if isinstance(end, datetime) else calendar.start_of(end)


def _why(rule: Rule, cutoff: datetime, models: list[type[Model]], scopes: Scopes) -> Iterator[dict[str, Any]]:
    """Each reason that keeps any row which is over, with its number of rows."""
    found: dict[str, int] = {}
    for model in models:
        rows = predicate.deferred_by_few(rule, cutoff, scopes=scopes, model=model)
        for ground in grounds.grounds(model, Ending(rule, rule.anchor), scopes):
            words = "legal hold" if ground.hold else "something about the account is open" if ground.keeper else ""
            if number := _counted(rows.filter(ground.rows)):
                found[words or ground.words] = found.get(words or ground.words, 0) + number
    for words, number in sorted(found.items(), key=lambda item: -item[1]):
        yield {"why": words, "rows": number}


def _intake(rule: Rule, now: datetime) -> int:
    """Rows whose period is over within the next days."""
    soon = predicate.due(rule, rule.cutoff(now + timedelta(days=DAYS)))
    return _counted(soon.filter(**{f"{rule.anchor}__gte": rule.bound(rule.cutoff(now))}))


def _runs(rule: Rule) -> tuple[int, timedelta]:
    """Rows and time at work of the last runs that ended anything."""
    ended = Run.objects.filter(rule__slug=rule.slug, rows_total__gt=0).order_by("-started_at", "-id")
    last = list(ended.values_list("rows_total", "busy")[:LAST_RUNS])
    return sum(rows for rows, _busy in last), sum((busy for _rows, busy in last), timedelta(0))
