"""Calendar periods: when "24 months" are over, to the microsecond, and never early.

What could go wrong: a month counted as 30 days deletes early; 31 January plus a month has no day to land on; the
forward and the backward calculation disagree, so a row is deleted that its own date says to keep. Here a missing day
means the first instant of the following month, in both directions. Both functions are therefore monotone, and

    anchor < cutoff(now, p)  implies  add(anchor, p) <= now        (nothing goes early)
    add(anchor, p) < now     implies  anchor < cutoff(now, p)      (nothing stays longer than the instant it is due)

A row is expired when `anchor < cutoff(now, p)`; the cut-off instant itself is kept. Everything is reckoned in UTC, so
no daylight saving shifts a cut-off. A date behaves as its first instant.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from django.utils.translation import gettext as _, ngettext

from crasme.kit.errors import CrasmeError

PATTERN = r"^P(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,6}D)?$"
_PERIOD = re.compile(PATTERN)


class PeriodError(CrasmeError, ValueError):
    code = "period"


@dataclass(frozen=True, slots=True)
class Period:
    """A span of calendar months and days, at least zero of each; the months are counted first.

    `years` only remembers how many of the months were written as years, so that a policy that says "7 years" goes on
    saying it; two periods of the same months and days are equal.
    """

    months: int = 0
    days: int = 0
    years: int = field(default=0, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.months < 0 or self.days < 0 or not 0 <= self.years * 12 <= self.months:
            raise PeriodError(_("A period is never negative."))

    @classmethod
    def parse(cls, text: str | Self) -> Self:
        """From ISO 8601: "P24M", "P7Y", "P90D", "P1Y6M", "P2W". PeriodError for anything else, hours included."""
        if isinstance(text, cls):
            return text
        found = _PERIOD.match(str(text))
        if not found or str(text).endswith("\n"):
            raise PeriodError(
                _("This is not a period of years, months, weeks or days."),
                remedy=_("Write it as P24M (24 months), P7Y (7 years), P90D (90 days) or P2W (2 weeks)."),
            )
        years, months, weeks, days = (int(part[:-1]) if part else 0 for part in found.groups())
        return cls(months=years * 12 + months, days=weeks * 7 + days, years=years)

    def isoformat(self) -> str:
        parts = ((self.years, "Y"), (self.months - self.years * 12, "M"), (self.days, "D"))
        return "P" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0D")

    def words(self) -> str:
        """In the active language: "7 years", "24 months", "90 days", "1 year and 6 months"."""
        years, months, days = self.years, self.months - self.years * 12, self.days
        parts = []
        if years:
            parts.append(ngettext("%(count)d year", "%(count)d years", years) % {"count": years})
        if months:
            parts.append(ngettext("%(count)d month", "%(count)d months", months) % {"count": months})
        if days or not parts:
            parts.append(ngettext("%(count)d day", "%(count)d days", days) % {"count": days})
        text = parts[0]
        for part in parts[1:]:
            text = _("%(first)s and %(second)s") % {"first": text, "second": part}
        return text

    def __str__(self) -> str:
        return self.words()


def add[M: (date, datetime)](moment: M, period: Period) -> M:
    """The instant (UTC) or date at which a period that began at `moment` is over; months first, then days."""
    try:
        return _shift_months(_checked(moment), period.months) + timedelta(days=period.days)
    except (OverflowError, ValueError):
        raise _out_of_range() from None


def cutoff[M: (date, datetime)](now: M, period: Period) -> M:
    """Whatever began strictly before this instant (UTC) or date is over by `now`; the inverse order of `add`."""
    try:
        return _shift_months(_checked(now) - timedelta(days=period.days), -period.months)
    except (OverflowError, ValueError):
        raise _out_of_range() from None


def month_floor[M: (date, datetime)](moment: M) -> M:
    """The first instant (UTC) or day of the month that holds `moment`."""
    return _start_of_day(_checked(moment).replace(day=1))


def next_month[M: (date, datetime)](moment: M) -> M:
    """The first instant (UTC) or day of the month after the one that holds `moment`."""
    try:
        return _shift_months(month_floor(moment), 1)
    except (OverflowError, ValueError):
        raise _out_of_range() from None


def months_between(first: date, last: date) -> Iterator[date]:
    """The first day of every month from the one that holds `first` to the one that holds `last`, both included.

    Datetimes count by their month in UTC. Nothing when `last` lies in an earlier month.
    """
    month, end = _day(first).replace(day=1), _day(last)
    while month <= end:
        yield month
        month = next_month(month)


def _day(moment: date) -> date:
    moment = _checked(moment)
    return moment.date() if isinstance(moment, datetime) else moment


def start_of(day: date) -> datetime:
    """The first instant of a date, in UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)


def _shift_months[M: (date, datetime)](moment: M, months: int) -> M:
    if not months:
        return moment
    year, month0 = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if moment.day <= monthrange(year, month0 + 1)[1]:
        return moment.replace(year=year, month=month0 + 1)
    # A missing day is never in December, so the following month is in the same year.
    return _start_of_day(moment.replace(year=year, month=month0 + 2, day=1))


def _start_of_day[M: (date, datetime)](moment: M) -> M:
    if isinstance(moment, datetime):
        return moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment


def _checked[M: (date, datetime)](moment: M) -> M:
    """Aware datetimes in UTC, dates as they are; a naive datetime could mean any of 38 hours, so it is refused."""
    if not isinstance(moment, datetime):
        return moment
    if moment.utcoffset() is None:
        raise NaiveMoment("A calendar calculation was given a datetime without a time zone.")
    return moment.astimezone(UTC)


class NaiveMoment(CrasmeError, TypeError):
    """A programmer's mistake: a datetime without a time zone reached a calculation."""

    code = "naive-datetime"


def _out_of_range() -> PeriodError:
    return PeriodError(_("The period leads outside the years 1 to 9999."), code="period-range")
