"""Periods end exactly when they end: properties that must hold for any instant, and the dates people ask about."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import assume, given, strategies as st

from crasme.kit.calendar import (
    NaiveMoment,
    Period,
    PeriodError,
    add,
    cutoff,
    month_floor,
    months_between,
    next_month,
    start_of,
)

MIN, MAX = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  (hypothesis adds the zone)
NAIVE = datetime(2026, 11, 22)  # noqa: DTZ001
instants = st.datetimes(MIN, MAX, timezones=st.just(UTC))
# Half of them around the end of a month, where everything interesting happens.
ends = st.builds(
    lambda year, month, around: datetime(year, month, 1, tzinfo=UTC) + around,
    st.integers(1990, 2110),
    st.integers(1, 12),
    st.timedeltas(timedelta(days=-4), timedelta(days=1)),
)
moments = instants | ends
dates = moments.map(datetime.date)
periods = st.builds(Period, months=st.integers(0, 180), days=st.integers(0, 120))


@given(moments, moments, periods)
def test_both_directions_are_monotone(one: datetime, other: datetime, period: Period) -> None:
    early, late = sorted((one, other))
    assert add(early, period) <= add(late, period)
    assert cutoff(early, period) <= cutoff(late, period)


@given(moments, moments, periods)
def test_nothing_goes_early_and_nothing_stays_long(anchor: datetime, now: datetime, period: Period) -> None:
    assert not anchor < cutoff(now, period) or add(anchor, period) <= now
    assert not add(anchor, period) < now or anchor < cutoff(now, period)


@given(moments, periods, st.timedeltas(timedelta(microseconds=-2), timedelta(microseconds=2)))
def test_the_implications_hold_to_the_microsecond(anchor: datetime, period: Period, off: timedelta) -> None:
    now = add(anchor, period) + off
    assert not anchor < cutoff(now, period) or add(anchor, period) <= now
    assert not add(anchor, period) < now or anchor < cutoff(now, period)
    edge = cutoff(anchor, period) + off
    assert not edge < cutoff(anchor, period) or add(edge, period) <= anchor
    assert not add(edge, period) < anchor or edge < cutoff(anchor, period)


@given(dates, dates, periods)
def test_dates_keep_the_same_implications(anchor: date, today: date, period: Period) -> None:
    assert not anchor < cutoff(today, period) or add(anchor, period) <= today
    assert not add(anchor, period) < today or anchor < cutoff(today, period)


@given(dates, periods)
def test_a_date_behaves_as_its_first_instant(day: date, period: Period) -> None:
    assert start_of(add(day, period)) == add(start_of(day), period)
    assert start_of(cutoff(day, period)) == cutoff(start_of(day), period)


@given(moments, periods, st.sampled_from(["Europe/Vienna", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]))
def test_the_zone_in_which_an_instant_is_written_changes_nothing(moment: datetime, period: Period, zone: str) -> None:
    elsewhere = moment.astimezone(ZoneInfo(zone))
    assert add(elsewhere, period) == add(moment, period)
    assert cutoff(elsewhere, period) == cutoff(moment, period)
    assert add(elsewhere, period).tzinfo is UTC


@given(moments, st.integers(0, 180))
def test_an_ordinary_day_keeps_its_number_and_time(moment: datetime, months: int) -> None:
    assume(moment.day <= 28)
    later = add(moment, Period(months=months))
    assert (later.day, later.timetz()) == (moment.day, moment.timetz())
    assert cutoff(later, Period(months=months)) == moment


@pytest.mark.parametrize(
    ("anchor", "period", "over"),
    [
        ("2027-01-31", "P1M", "2027-03-01"),
        ("2027-01-28", "P1M", "2027-02-28"),
        ("2028-01-29", "P1M", "2028-02-29"),
        ("2028-02-29", "P7Y", "2035-03-01"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2024-11-22", "P24M", "2026-11-22"),
        ("2024-12-31", "P24M", "2026-12-31"),
        ("2026-12-02", "P90D", "2027-03-02"),
        ("2027-01-31", "P1M1D", "2027-03-02"),
        ("2026-11-22", "P2W", "2026-12-06"),
    ],
)
def test_when_a_period_is_over(anchor: str, period: str, over: str) -> None:
    assert add(date.fromisoformat(anchor), Period.parse(period)) == date.fromisoformat(over)


def test_a_missing_day_is_the_first_instant_of_the_next_month_both_ways() -> None:
    month = Period(months=1)
    assert add(datetime(2027, 1, 30, 15, tzinfo=UTC), month) == datetime(2027, 3, 1, tzinfo=UTC)
    assert cutoff(datetime(2027, 3, 31, 15, tzinfo=UTC), month) == datetime(2027, 3, 1, tzinfo=UTC)


def test_the_cut_off_instant_itself_is_kept() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    edge = datetime(2024, 11, 22, 12, tzinfo=UTC)
    assert cutoff(now, Period.parse("P24M")) == edge
    assert not edge < cutoff(now, Period.parse("P24M"))
    assert edge - timedelta(microseconds=1) < cutoff(now, Period.parse("P24M"))


@pytest.mark.parametrize("calculate", [add, cutoff])
def test_a_naive_datetime_is_refused(calculate: object) -> None:
    with pytest.raises(NaiveMoment):
        calculate(NAIVE, Period(days=1))  # type: ignore[operator]
    with pytest.raises(NaiveMoment):
        month_floor(NAIVE)


@pytest.mark.parametrize("moment", [date(9999, 12, 31), datetime(9999, 12, 31, 23, tzinfo=UTC)])
@pytest.mark.parametrize("period", [Period(months=1), Period(days=1), Period(days=10**9)])
def test_the_end_of_the_calendar_is_an_error_of_its_own(moment: date, period: Period) -> None:
    with pytest.raises(PeriodError):
        add(moment, period)


def test_the_beginning_of_the_calendar_is_an_error_of_its_own() -> None:
    for day in (15, 31):
        for period in (Period(months=1), Period(months=12), Period(days=40)):
            with pytest.raises(PeriodError):
                cutoff(date(1, 1, day), period)


@given(st.integers(0, 99), st.integers(0, 200), st.integers(0, 300))
def test_a_period_is_written_as_it_was_read(years: int, months: int, days: int) -> None:
    period = Period(months=years * 12 + months, days=days, years=years)
    assert Period.parse(period.isoformat()) == period
    assert Period.parse(period.isoformat()).isoformat() == period.isoformat()


def test_equal_spans_are_equal_however_they_are_written() -> None:
    assert Period.parse("P2Y") == Period.parse("P24M") == Period(months=24)
    assert hash(Period.parse("P2Y")) == hash(Period.parse("P24M"))
    assert Period.parse("P2W") == Period.parse("P14D")


@pytest.mark.parametrize(
    "text",
    ["", "P", "24M", "P24", "p24m", "P1D2M", "PT5H", "P1YT1H", "P-1M", "P1.5M", "P24M\n", " P24M", "P٢٤M", "P1M1M"],
)
def test_what_is_no_period_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(PeriodError, match="P24M"):
        Period.parse(text)


def test_a_negative_period_does_not_exist() -> None:
    for kwargs in ({"months": -1}, {"days": -1}, {"months": 3, "years": 1}):
        with pytest.raises(PeriodError):
            Period(**kwargs)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P24M", "24 months"),
        ("P90D", "90 days"),
        ("P7Y", "7 years"),
        ("P1Y", "1 year"),
        ("P1M", "1 month"),
        ("P1D", "1 day"),
        ("P0D", "0 days"),
        ("P1Y6M", "1 year and 6 months"),
        ("P2W", "14 days"),
    ],
)
def test_periods_are_said_as_they_were_written(text: str, words: str) -> None:
    with translation.override("en"):
        assert Period.parse(text).words() == str(Period.parse(text)) == words


@given(moments)
def test_month_floor_and_next_month_enclose_the_moment(moment: datetime) -> None:
    floor, after = month_floor(moment), next_month(moment)
    assert floor <= moment < after
    assert floor.day == after.day == 1
    assert floor.time() == after.time() == time()
    assert list(months_between(moment, after)) == [floor.date(), after.date()]


def test_months_between_counts_both_ends_and_nothing_backwards() -> None:
    assert list(months_between(date(2026, 11, 30), date(2027, 1, 1))) == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
    ]
    assert list(months_between(date(2026, 11, 1), date(2026, 10, 31))) == []
    late_in_new_york = datetime(2026, 10, 31, 22, tzinfo=timezone(-timedelta(hours=4)))
    assert list(months_between(late_in_new_york, late_in_new_york)) == [date(2026, 11, 1)]
