"""Templates say a period in words, in the reader's language, or fail."""

import pytest
from django.template import Context, Template

from crasme.kit.calendar import Period, PeriodError


def shown(period: object) -> str:
    return Template("{% load periods %}{{ period|words }}").render(Context({"period": period}))


def test_text_and_periods_are_said_alike() -> None:
    assert shown("P24M") == shown(Period(months=24)) == "24 months"


def test_a_wrong_period_is_not_shown() -> None:
    with pytest.raises(PeriodError):
        shown("24 months")
