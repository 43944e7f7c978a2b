"""One table's rows, written as JSON and as CSV in a single pass, however many there are.

What could go wrong: a million events in memory; a second query that finds other rows than the first, so that the two
files disagree; a comma, a quotation mark or a formula in somebody's text. So each row is read once (where there are
many, from a server-side cursor) and written to both, and the CSV cells go through `kit.sheets`.
"""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import IO, Any

from django.db.models import QuerySet

from crasme.kit.datamap import Subject, Table
from crasme.kit.recipes import Unfit, recipe
from crasme.kit.sheets import csv_writer
from privacy.packages.content import Described
from privacy.packages.spoken import speaker

CHUNK = 2_000
SHOWN = 25  # rows of a table in the readable summary
BUFFERED = 64 * 1024


def read(table: Table, subject: Subject, count: int) -> Iterator[Sequence[Any]]:
    """The subject's rows in the order of the data map: the key first, then the exported fields.

    `count` is about how many there are: few are fetched at once, many come in portions.
    """
    if count <= CHUNK:
        with suppress(Unfit):
            known = recipe(("read", table.key), subject, lambda maker: maker.reading(_rows(table, maker.subject)))
            return iter(known.rows(subject))
    return iter(_rows(table, subject).iterator(chunk_size=CHUNK))


def _rows(table: Table, subject: Subject) -> QuerySet[Any]:
    return table.rows(subject).order_by(table.order, "pk").values_list(*columns(table))


def columns(table: Table) -> list[str]:
    if table.own:
        return [*table.exported()]  # the row and its key are somebody else's
    key = table.model._meta.pk.name
    return [key, *(name for name in table.exported() if name != key)]


def write(rows: Iterable[Sequence[Any]], source: Table, described: Described, *, data: IO[bytes], sheet: Any) -> None:
    """Write all rows to both files and count them; the first few are kept on `described` for the summary."""
    names = columns(source)
    spoken = [
        (position, described.fields[name], speaker(source.model._meta.get_field(name)))
        for position, name in enumerate(names)
        if name in described.fields
    ]
    text = io.TextIOWrapper(sheet, encoding="utf-8-sig", newline="")
    table = csv_writer(text)
    table.writerow(names)
    before, buffer = "[\n", io.StringIO()
    for row in rows:
        buffer.write(before + _json(dict(zip(names, row, strict=True))))
        before = ",\n"
        table.writerow([_cell(value) for value in row])
        described.rows += 1
        if len(described.shown) < SHOWN:
            described.shown.append([(meaning, speak(row[position])) for position, meaning, speak in spoken])
        if buffer.tell() > BUFFERED:
            data.write(_bytes(buffer))
            buffer = io.StringIO()
    buffer.write("\n]\n" if described.rows else "[]\n")
    data.write(_bytes(buffer))
    text.flush()
    text.detach()


def _plain(value: Any) -> Any:
    """What JSON has no form for: instants and dates in ISO 8601, money as text, so that no digit is lost."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


_json = json.JSONEncoder(ensure_ascii=False, default=_plain).encode


def _bytes(buffer: io.StringIO) -> bytes:
    return buffer.getvalue().encode(errors="replace")


def _cell(value: Any) -> Any:
    """The same for a cell of a table, where lists and mappings are text as well."""
    kind = type(value)
    if kind is str or value is None:
        return value
    if kind is datetime:
        return value.isoformat()
    return _json(value) if kind in (dict, list) else value
