import uuid

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given, strategies as st

from consent import choice
from consent.choice import Choice
from consent.registry import Snapshot

ESSENTIAL, FUNCTIONAL, ANALYTICS, PERFORMANCE = 1, 2, 4, 8
ALL = 15
VISITOR = uuid.UUID(int=7)


def registry(asked_since: dict[int, int] | None = None) -> Snapshot:
    return Snapshot(
        bits={"essential": 1, "functional": 2, "analytics": 4, "performance": 8},
        essential=ESSENTIAL,
        off_under_gpc=ANALYTICS | PERFORMANCE,
        asked_since=asked_since or dict.fromkeys((2, 4, 8), 1),
        exact={},
        prefixes={},
        prefix_lengths=(),
        on_request=frozenset(),
    )


@given(
    st.builds(
        Choice,
        mask=st.integers(0, 0xFFFF),
        version=st.integers(0, 999_999),
        gpc=st.booleans(),
        visitor=st.uuids(),
    )
)
def test_the_cookie_says_what_was_put_into_it(made: Choice) -> None:
    value = made.value()
    assert choice.parse(value) == made
    assert len(value) <= 64
    # No character that a cookie would have to quote.
    response = HttpResponse()
    response.set_cookie("c", value)
    assert response.cookies["c"].coded_value == value


@pytest.mark.parametrize(
    "value",
    [
        None, "", "1", "yes", "1.f.1.-", f"2.f.1.-.{VISITOR.hex}", f"1.F.1.-.{VISITOR.hex}", f"1.f.1.x.{VISITOR.hex}",
        f"1.f.-1.-.{VISITOR.hex}", f"1.fffff.1.-.{VISITOR.hex}", f"1.f.1.-.{VISITOR}", f"1.f.1.-.{VISITOR.hex}\n",
        f"1.f.١.-.{VISITOR.hex}",
    ],
)  # fmt: skip
def test_a_value_that_we_did_not_write_is_no_choice(value: str | None) -> None:
    assert choice.parse(value) is None


@given(st.text())
def test_no_value_breaks_a_request(value: str) -> None:
    choice.parse(value)


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        ("1", True),
        ("0", False),
        ("", False),
        ("true", False),
        ("1, 1", False),
        ("1,1", False),
        (" 1", False),
        ("1;", False),
        ("١", False),
        ("01", False),
    ],
)
def test_only_one_means_global_privacy_control(header: str, seen: bool) -> None:
    assert choice.signals_gpc(RequestFactory().get("/", headers={"Sec-GPC": header})) is seen
    assert choice.signals_gpc(RequestFactory().get("/")) is False


@pytest.mark.parametrize(
    ("made", "signal", "allowed"),
    [
        (None, False, ESSENTIAL),
        (None, True, ESSENTIAL),
        (Choice(ALL, 1, False, VISITOR), False, ALL),
        (Choice(ALL, 1, False, VISITOR), True, ESSENTIAL | FUNCTIONAL),  # the signal came after the choice
        (Choice(ALL, 1, True, VISITOR), True, ALL),  # the choice was made in sight of the signal
        (Choice(ALL, 1, True, VISITOR), False, ALL),
        (Choice(0, 1, True, VISITOR), True, ESSENTIAL),
        (Choice(ESSENTIAL | FUNCTIONAL, 1, False, VISITOR), True, ESSENTIAL | FUNCTIONAL),
    ],
)
def test_the_signal_stands_and_a_later_explicit_choice_wins(made: Choice | None, signal: bool, allowed: int) -> None:
    assert choice.granted(made, gpc=signal, registry=registry()) == allowed


def test_a_question_asked_anew_is_open_until_it_is_answered() -> None:
    asked = registry({FUNCTIONAL: 1, ANALYTICS: 3, PERFORMANCE: 1})
    old, new = Choice(ALL, 2, False, VISITOR), Choice(ALL, 3, False, VISITOR)
    assert choice.granted(old, gpc=False, registry=asked) == ALL & ~ANALYTICS
    assert choice.granted(new, gpc=False, registry=asked) == ALL


@given(st.integers(0, 0xFFFF), st.integers(0, 9), st.booleans(), st.booleans())
def test_nothing_is_allowed_that_was_not_granted(mask: int, version: int, seen: bool, signal: bool) -> None:
    allowed = choice.granted(Choice(mask, version, seen, VISITOR), gpc=signal, registry=registry())
    assert allowed & ~(mask | ESSENTIAL) == 0
    assert allowed & ESSENTIAL
