"""The periods themselves, each with the place it is written down.

What could go wrong: "one month" counted as 30 days is too late in February; an extension counted from the first due
date instead of the receipt gives days that nobody has; a due date that rolls over a weekend is a date to miss. So
months end on the same-numbered day (or the month's last), extensions count from the receipt, and no date here rolls:
the law's roll is a reserve, never a plan.

Counsel must confirm these readings; `VERSION` changes with every one of them and is stored beside each date.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from privacy.clock.regimes import Regime

VERSION = "2026-11"
PROMISE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Law:
    """`first` and `extended` give the last day to answer from the day the period starts.

    stops     whether the regime lets the clock stand still while the person is asked something
    """

    rule: str
    source: str
    first: Callable[[date], date]
    extended: Callable[[date], date] | None
    extended_rule: str
    stops: bool = False


def months_after(day: date, months: int) -> date:
    """The same-numbered day `months` later, or that month's last day.

    Source: Regulation (EEC, Euratom) 1182/71 Art. 3(1), (2)(c): the day of receipt does not count.
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def _months(count: int) -> Callable[[date], date]:
    return lambda day: months_after(day, count)


def _days(count: int) -> Callable[[date], date]:
    return lambda day: day + timedelta(days=count)


@dataclass(frozen=True, slots=True)
class Promise:
    """What the policy promises beside the law: so many days from the day of receipt."""

    rule: str
    source: str
    days: int


PROMISE = Promise(
    rule="promise-30-days",
    source="Privacy policy, section 5: every request is answered within 30 days",
    days=PROMISE_DAYS,
)
# The policy says "promptly", and no law says how soon that is. Five days leave room for one weekend and two people.
CHILD_DAYS = 5
CHILD_PROMISE = Promise(
    rule="child-promptly",
    source="Privacy policy, section 9: a child's data is deleted promptly; we hold ourselves to 5 days from the report",
    days=CHILD_DAYS,
)
PROMISES = {"child": CHILD_PROMISE}


def promise_of(kind: str) -> Promise:
    """The promise for this kind of request; the general one where there is none of its own."""
    return PROMISES.get(kind, PROMISE)


LAWS: dict[Regime, Law] = {
    Regime.EU: Law(
        rule="gdpr-one-month",
        source="GDPR Art. 12(3); Regulation 1182/71 Art. 3",
        first=_months(1),
        extended=_months(3),
        extended_rule="gdpr-three-months",
    ),
    Regime.UK: Law(
        rule="uk-gdpr-one-month",
        source="UK GDPR Art. 12(3) and 12A",
        first=_months(1),
        extended=_months(3),
        extended_rule="uk-gdpr-three-months",
        stops=True,
    ),
    Regime.CALIFORNIA: Law(
        rule="ccpa-45-days",
        source="CCPA Regulations § 7021(b)",
        first=_days(45),
        extended=_days(90),
        extended_rule="ccpa-90-days",
    ),
    Regime.BRAZIL: Law(
        rule="lgpd-15-days",
        source="LGPD Art. 19(II)",
        first=_days(15),
        extended=None,
        extended_rule="",
    ),
    Regime.CANADA: Law(
        rule="pipeda-30-days",
        source="PIPEDA Schedule 1 and s. 8(3)",
        first=_days(30),
        extended=_days(60),
        extended_rule="pipeda-60-days",
    ),
}
