"""Decisions are quoted by their number, so each has one of its own."""

import re
from pathlib import Path

RECORDS = sorted((Path(__file__).resolve().parents[2] / "docs" / "decisions").glob("[0-9]*.md"))


def test_every_record_has_a_number_of_its_own_and_says_it() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))
    for number, record in zip(numbers, RECORDS, strict=True):
        assert record.read_text().startswith(f"# {number}. "), record.name


def test_what_quotes_a_decision_quotes_one_that_exists() -> None:
    project = RECORDS[0].parents[2]
    texts = [*project.glob("docs/*.md"), *RECORDS, *(project / "privacy").rglob("*.py"), *project.glob("README.md")]
    quoted = {int(number) for text in texts for number in re.findall(r"\(decision (\d+)\)", text.read_text())}
    assert quoted <= set(range(1, len(RECORDS) + 1))
    assert quoted
