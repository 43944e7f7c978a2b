"""The controller's calendar day, around midnight and around a change of the clocks."""

from datetime import UTC, date, datetime

import pytest

from crasme.kit.calendar import NaiveMoment
from crasme.kit.clock import controller_day


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-11-22T22:59:59+00:00", date(2026, 11, 22)),
        ("2026-11-22T23:00:00+00:00", date(2026, 11, 23)),
        ("2026-07-01T21:59:59+00:00", date(2026, 7, 1)),
        ("2026-07-01T22:00:00+00:00", date(2026, 7, 2)),
        ("2027-03-28T00:59:59+00:00", date(2027, 3, 28)),
        ("2026-11-22T20:00:00-05:00", date(2026, 11, 23)),
    ],
)
def test_the_day_is_the_one_in_vienna(instant: str, day: date) -> None:
    assert controller_day(datetime.fromisoformat(instant), zone="Europe/Vienna") == day


def test_the_zone_comes_from_the_settings(settings) -> None:
    settings.CONTROLLER_ZONE = "Pacific/Kiritimati"
    assert controller_day(datetime(2026, 11, 22, 10, tzinfo=UTC)) == date(2026, 11, 23)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(NaiveMoment):
        controller_day(datetime(2026, 11, 22))  # noqa: DTZ001
