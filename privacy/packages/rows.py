"""One table's rows, written as JSON and as CSV in a single pass, however many there are.

What could go wrong: a million events in memory; a second query that finds other rows than the first, so that the two
files disagree; a comma, a quotation mark or a formula in somebody's text. So each row is read once from a server-side
cursor and written to both, and the CSV cells go through `kit.sheets`.
"""

import io
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any
from uuid import UUID

from crasme.kit.datamap import Subject, Table
from crasme.kit.sheets import csv_writer
from privacy.packages.content import Described

CHUNK = 2_000
SHOWN = 25  # rows of a table in the readable summary
LONGEST_SHOWN = 300


def stream(table: Table, subject: Subject) -> Iterator[tuple[Any, ...]]:
    """The subject's rows in the order of the data map: the key first, then the exported fields."""
    rows = table.rows(subject).order_by(table.order, "pk").values_list(*columns(table))
    return rows.iterator(chunk_size=CHUNK)


def columns(table: Table) -> list[str]:
    key = table.model._meta.pk.name
    return [key, *(name for name in table.exported() if name != key)]


def write(
    rows: Iterator[tuple[Any, ...]], names: list[str], described: Described, *, data: IO[bytes], sheet: Any
) -> None:
    """Write all rows to both files and count them; the first few are kept on `described` for the summary."""
    text = io.TextIOWrapper(sheet, encoding="utf-8-sig", newline="", write_through=True)
    table = csv_writer(text)
    table.writerow(names)
    data.write(b"[")
    for row in rows:
        plain = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        data.write(b",\n" if described.rows else b"\n")
        data.write(json.dumps(plain, ensure_ascii=False).encode(errors="replace"))
        table.writerow([_cell(value) for value in plain.values()])
        described.rows += 1
        if len(described.shown) < SHOWN:
            described.shown.append(_shown(plain, described))
    data.write(b"\n]\n")
    text.flush()
    text.detach()


def _plain(value: Any) -> Any:
    """The JSON form: instants and dates in ISO 8601, money as text, so that no digit is lost."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    return str(value)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _shown(plain: dict[str, Any], described: Described) -> list[tuple[str, str]]:
    pairs = []
    for name, value in plain.items():
        if name in described.fields and value not in (None, "", {}, []):
            text = str(_cell(value))
            short = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
            pairs.append((described.fields[name], short))
    return pairs
