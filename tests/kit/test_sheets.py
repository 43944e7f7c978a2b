"""Whatever a person typed, a spreadsheet shows it and never runs it."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given, strategies as st

from crasme.kit.sheets import csv_writer, neutralise, restore

STARTS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\x00"]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    "before",
    ["", " ", "  ", "\t", "\r\n", "\n", "\u00a0", "\u200b", "\ufeff", "\u2028", "\x00", "\x0b\x1f", "\u202e", "\u3000"],
)
def test_every_dangerous_start_is_quoted_also_after_what_programs_trim(before: str, start: str) -> None:
    text = f"{before}{start}cmd|' /C calc'!A0"
    assert neutralise(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["", "Ana", "'=1", "a=b", "1-2", "2026-11-22", "5", "'", "  indented", "ä@b", "…=", "(=1)", '"=1"', "\u200bAna"],
)
def test_ordinary_text_stays(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize(
    "value",
    [
        -5,
        -1.5,
        Decimal("-2.50"),
        date(2026, 11, 22),
        datetime(2026, 11, 22, tzinfo=UTC),
        None,
        True,
        UUID(int=5),
        float("-inf"),
    ],
)
def test_numbers_and_dates_stay_what_they_are(value: object) -> None:
    assert neutralise(value) is value


def test_a_number_in_a_string_is_a_string() -> None:
    assert neutralise("-5") == "'-5"


def test_anything_else_is_neutralised_as_its_text() -> None:
    assert neutralise(gettext_lazy("=1")) == "'=1"
    assert neutralise(["=1"]) == "['=1']"


@given(st.text() | st.builds("{}{}{}".format, st.text(max_size=3), st.sampled_from(STARTS), st.text()))
def test_neutralising_is_safe_repeatable_and_reversible(text: str) -> None:
    safe = neutralise(text)
    assert safe.strip()[:1] not in {*"=+-@＝＋－＠"}
    assert neutralise(safe) == safe
    assert safe in (text, f"'{text}")
    assert restore(safe) == text or text.startswith("'")


def test_a_csv_writer_neutralises_every_cell_and_keeps_the_rest() -> None:
    file = io.StringIO()
    writer = csv_writer(file)
    writer.writerow(["=name", "n"])
    writer.writerows([['Ana, "the" first\nof two', -5], [" =1+1", None]])
    rows = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert rows == [["'=name", "n"], ['Ana, "the" first\nof two', "-5"], ["' =1+1", ""]]
    assert file.getvalue().count("\r\n") == 3
