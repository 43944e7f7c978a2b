"""The periods themselves, each with the place it is written down.

What could go wrong: "one month" counted as 30 days is too late in February; an extension counted from the first due
date instead of the receipt gives days that nobody has; a due date that rolls over a weekend is a date to miss; a law's
period for one kind of request is taken for all of them. So months end on the same-numbered day (or the month's last),
extensions count from the receipt, no date here rolls (the law's roll is a reserve, never a plan), and where a law
treats a kind in its own way, that kind has its own line.

Counsel must confirm these readings; `VERSION` changes with every one of them and is stored beside each date.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from privacy.clock.regimes import Regime

VERSION = "2026-12"

Reckon = Callable[[date], date]


# --- what is promised -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Promise:
    """What the policy promises beside the law: so many days flat from the day of receipt, never paused or extended."""

    rule: str
    source: str
    days: int


PROMISE_DAYS = 30
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


# --- what the law asks for --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Duty:
    """Something due before the answer: to say that the request has arrived."""

    rule: str
    source: str
    by: Reckon


@dataclass(frozen=True, slots=True)
class Law:
    """`first` and `extended` give the last day to answer from the day the period starts.

    stops         whether the clock stands still between a question about what is wanted and its answer
    acknowledged  by when the receipt must be confirmed, where a law says so
    """

    rule: str
    source: str
    first: Reckon
    extended: Reckon | None = None
    extended_rule: str = ""
    stops: bool = False
    acknowledged: Duty | None = None


def months_after(day: date, months: int) -> date:
    """The same-numbered day `months` later, or that month's last day.

    Source: Regulation (EEC, Euratom) 1182/71 Art. 3(1), (2)(c): the day of receipt does not count.
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def business_days_after(day: date, count: int) -> date:
    """The `count`th day from Monday to Friday after `day`. Holidays are not known here: they would only add days."""
    weeks, rest = divmod(count, 5)
    # From a weekend the count starts as it does from the Friday before.
    day -= timedelta(days=max(0, day.weekday() - 4))
    return day + timedelta(days=7 * weeks + rest + (2 if day.weekday() + rest > 4 else 0))


def _months(count: int) -> Reckon:
    return lambda day: months_after(day, count)


def _days(count: int) -> Reckon:
    return lambda day: day + timedelta(days=count)


def _business_days(count: int) -> Reckon:
    return lambda day: business_days_after(day, count)


_CALIFORNIA: Final = Law(
    rule="ccpa-45-days",
    source="CCPA Regulations § 7021(b)",
    first=_days(45),
    extended=_days(90),
    extended_rule="ccpa-90-days",
    acknowledged=Duty("ccpa-confirm-10-business-days", "CCPA Regulations § 7021(a)", _business_days(10)),
)

# The law that holds for a kind without a line of its own below.
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
    Regime.CALIFORNIA: _CALIFORNIA,
    Regime.BRAZIL: Law(rule="lgpd-15-days", source="LGPD Art. 19(II)", first=_days(15)),
    Regime.CANADA: Law(
        rule="pipeda-30-days",
        source="PIPEDA Schedule 1 and s. 8(3)",
        first=_days(30),
        extended=_days(60),
        extended_rule="pipeda-60-days",
    ),
}

_COMPLAINT = _days(30)
# The fifteen days are for confirming that data is held and for access; for the rest the law says "without delay" and
# leaves the days to a regulation that does not exist yet. Until it does, the promise is what binds.
_LGPD_REST: Final = Law(
    rule="lgpd-without-delay",
    source="LGPD Art. 18 §§ 3-5 (names no days; the promised ones are kept)",
    first=_days(PROMISE_DAYS),
)
_LGPD_OTHERS: Final = (
    "correction", "deletion", "portability", "opt_out", "restriction", "objection", "withdrawal", "complaint",
)  # fmt: skip
LAWS_BY_KIND: Mapping[tuple[str, str], Law] = {
    # Opting out is no "request to know, delete or correct": it has its own days, and no extension.
    (Regime.CALIFORNIA, "opt_out"): Law(
        rule="ccpa-opt-out-15-business-days",
        source="CCPA Regulations § 7026(f)",
        first=_business_days(15),
    ),
    # What must be done within 30 days is to acknowledge it; the answer, "without undue delay", is kept to the same day.
    (Regime.UK, "complaint"): Law(
        rule="uk-complaint-30-days",
        source="DPA 2018 s. 164A",
        first=_COMPLAINT,
        acknowledged=Duty("uk-complaint-acknowledged-30-days", "DPA 2018 s. 164A", _COMPLAINT),
    ),
    **{(Regime.BRAZIL, kind): _LGPD_REST for kind in _LGPD_OTHERS},
}


def law_of(regime: str, kind: str = "") -> Law | None:
    """The law of a regime for a kind (without one: its general rule); None where nobody knows whose law it is."""
    return LAWS_BY_KIND.get((regime, kind)) or LAWS.get(Regime(regime))


def laws_for(kind: str = "") -> list[Law]:
    """The law of every regime for a kind, bare: nobody who does not know whose law it is may use the reliefs of any."""
    found = (LAWS_BY_KIND.get((regime, kind), law) for regime, law in LAWS.items())
    return [replace(law, extended=None, extended_rule="", stops=False) for law in found]
