"""How many saw a notice, and what they answered: a row a day and version, and an alarm when the answers jump.

Nobody is followed for it. "Shown" counts first pages of visits, reported without any number of the browser; the answers
are counted from the records that exist anyway. So "ignored" is a difference of two counts, exact to visits, not people.

What could go wrong: a small day jumps by chance (a day needs enough answers, and the spread that chance alone has is
part of the measure), one odd day spoils the comparison (median and its deviation, not the mean), a slow drift is never
seen (the comparison looks four weeks back).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import sqrt
from statistics import median

from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import TruncDate

from consent import notices
from consent.errors import UnknownNotice
from consent.models import ConsentEvent, NoticeDay

Action = ConsentEvent.Action
Surface = ConsentEvent.Surface
ASKED_ON = (Surface.BANNER, Surface.NO_JS)
ENOUGH_ANSWERS = 50  # on the day that is judged and on each that it is compared with
ENOUGH_DAYS = 5
LOOK_BACK = timedelta(days=28)
AGAIN = 3  # days that are counted anew each time: choices may arrive late
LARGEST = 4.0  # how many times the usual spread
SMALLEST = 0.10  # a share that nobody would act on is no alarm
_COLUMN = {
    Action.ACCEPT_ALL: "accepted",
    Action.REFUSE_ALL: "refused",
    Action.CLOSE: "refused",
    Action.SAVE: "chosen",
    Action.WITHDRAW: "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """The day's share of refusals against the usual one of the weeks before; `strength` in usual spreads."""

    version: int
    day: date
    share: float
    usual: float
    strength: float


def note_shown(sha256: str, *, now: datetime) -> None:
    """Count one visit that had to be asked. UnknownNotice for a hash that nobody published."""
    version = notices.version_of(sha256)
    if version is None:
        raise UnknownNotice("No notice of this hash was published.", remedy="Load the page again.")
    row = NoticeDay(version=version, day=now.astimezone(UTC).date(), shown=1)
    with transaction.atomic(), connection.cursor() as cursor:
        # A count that a crash may lose is not worth waiting for the disk.
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(
            "INSERT INTO consent_noticeday (id, version, day, shown, accepted, refused, chosen, withdrawn)"
            " VALUES (%s, %s, %s, 1, 0, 0, 0, 0)"
            " ON CONFLICT (version, day) DO UPDATE SET shown = consent_noticeday.shown + 1",
            [row.id, row.version, row.day],
        )


def count(now: datetime, *, days: int = AGAIN) -> int:
    """Count the answers of today and the days before anew, by the day they were made; how many rows were written."""
    first = now.astimezone(UTC).date() - timedelta(days=days - 1)
    begins = datetime.combine(first, time(), UTC)
    # Filed by the month: what was decided since then was not filed long before.
    found = (
        ConsentEvent.objects.filter(
            filed_at__gte=begins - timedelta(days=31), decided_at__gte=begins, decided_at__lt=now
        )
        .filter(surface__in=[*ASKED_ON, Surface.PREFERENCES])
        .annotate(day=TruncDate("decided_at", tzinfo=UTC))
        .order_by()
        .values_list("notice", "day", "action", "surface")
        .annotate(many=Count("id"))
    )
    counts: dict[tuple[int, date], Counter[str]] = {}
    for notice, day, action, surface, many in found:
        # A withdrawal counts wherever it is made; an answer only where somebody was asked.
        if action == Action.WITHDRAW or surface in ASKED_ON:
            version = notices.version_of(notice)
            if version is not None:
                counts.setdefault((version, day), Counter())[_COLUMN[action]] += many
    for (version, day), columns in counts.items():
        values = {name: columns[name] for name in set(_COLUMN.values())}
        NoticeDay.objects.update_or_create(version=version, day=day, defaults=values)
    return len(counts)


def drift(now: datetime) -> Drift | None:
    """How far the last whole day's refusals are from the usual, when that is an alarm; None when all is as usual."""
    today = now.astimezone(UTC).date()
    rows = NoticeDay.objects.filter(day__gte=today - LOOK_BACK - timedelta(days=1), day__lt=today)
    # A day's versions together are what the site did; the alarm names the one that most people answered.
    days: dict[date, list[NoticeDay]] = {}
    for row in rows.order_by("day", "version"):
        days.setdefault(row.day, []).append(row)
    usable = [day for day in sorted(days) if sum(each.decided for each in days[day]) >= ENOUGH_ANSWERS]
    if not usable or usable[-1] < today - timedelta(days=AGAIN):
        return None
    last, before = usable[-1], usable[:-1]
    if len(before) < ENOUGH_DAYS:
        return None
    share, usual, strength = compare(_totals(days[last]), [_totals(days[day]) for day in before])
    if abs(share - usual) < SMALLEST or abs(strength) < LARGEST:
        return None
    version = max(days[last], key=lambda each: each.decided).version
    return Drift(version, last, share, usual, strength)


def compare(last: tuple[int, int], before: Sequence[tuple[int, int]]) -> tuple[float, float, float]:
    """(share, usual share, distance in usual spreads) of (refused, decided) against those of the days before.

    The spread is the larger of what the days before had (1.4826 times the median absolute deviation, which is a
    standard deviation for usual days) and what chance gives a day of so many answers.
    """
    share = last[0] / last[1]
    shares = [refused / decided for refused, decided in before]
    usual = median(shares)
    deviation = 1.4826 * median(abs(each - usual) for each in shares)
    chance = sqrt(max(usual * (1 - usual), 0.01) / last[1])
    return share, usual, (share - usual) / max(deviation, chance)


def _totals(rows: list[NoticeDay]) -> tuple[int, int]:
    return sum(each.refused for each in rows), sum(each.decided for each in rows)
