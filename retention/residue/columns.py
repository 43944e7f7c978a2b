"""The text that the database can read, table by table: one scan each, whoever and however many are searched for.

What could go wrong: a list of columns that somebody has to keep. So the database's own catalogue says which there are.
Most rows hold no address at all, so they are put aside by the one character that every address has; what is left is
compared with all addresses at once where a cell is nothing but an address, and fetched and read here where it is more.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from retention.residue.needles import Needles, spellings

# Everything that can hold readable text, with the number of characters that it can hold if limited; partitions are
# searched through their parent.
_COLUMNS = """
SELECT c.relname, a.attname, coalesce(array_agg(k.attname::text) FILTER (WHERE k.attname IS NOT NULL), '{}'),
       CASE WHEN coalesce(element.typname, t.typname) IN ('varchar', 'bpchar') AND a.atttypmod > 4
            THEN a.atttypmod - 4 END
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type element ON element.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)
WHERE c.relnamespace = current_schema()::regnamespace
  AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
  AND (coalesce(element.typcategory, t.typcategory) = 'S'
       OR coalesce(element.typname, t.typname) IN ('json', 'jsonb', 'xml', 'hstore'))
GROUP BY c.relname, a.attname, a.attnum, a.atttypmod, element.typname, t.typname
ORDER BY c.relname, a.attnum
"""
# The cell is an address with nothing around it but what cannot be part of one, or it is more than that.
_BARE = "btrim(lower({cell}), '._+-') = ANY (%(addresses)s)"
_MORE = "{cell} ~ '[^[:alnum:]._+@-]' OR strpos(substr({cell}, strpos({cell}, '@') + 1), '@') > 0"
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Table:
    """`long` says how many characters a column can hold, where that is limited."""

    name: str
    key: Sequence[str]
    columns: Sequence[str]


def readable(*, shortest: int) -> Iterator[Table]:
    """The tables with text, and their columns that can hold `shortest` characters."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for table, column, key, longest in cursor.fetchall():
            if longest is None or longest >= shortest:
                found.setdefault(table, (key, []))[1].append(column)
    return (Table(name, key, columns) for name, (key, columns) in found.items())


def search[K: Hashable](table: Table, needles: Needles[K]) -> Iterator[tuple[str, str, K]]:
    """Key of the row, column, and who was found there."""
    if needles.addresses:
        for pk, column, text in _rows(table, *_with_address(table, needles.addresses)):
            yield from ((pk, column, key) for key in needles.by_address(text))
    if needles.others:
        for pk, column, text in _rows(table, *_with_other(table, needles.others)):
            yield from ((pk, column, key) for key in needles.by_other(text))


def _rows(table: Table, condition: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    quote = connection.ops.quote_name
    identity = " || ' ' || ".join(f"{quote(part)}::text" for part in table.key) or "ctid::text"
    cells = ", ".join(f"{quote(column)}::text" for column in table.columns)
    pooled = connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False)
    with connection.cursor() if pooled else connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {identity}, {cells} FROM {quote(table.name)} WHERE {condition}", values)  # noqa: S608
        while rows := cursor.fetchmany(AT_ONCE):
            for pk, *texts in rows:
                for column, text in zip(table.columns, texts, strict=True):
                    if text is not None:
                        yield pk.split(" ")[0], column, text


def _with_address(table: Table, addresses: Iterable[str]) -> tuple[str, Mapping[str, Any]]:
    cells = _cells(table)
    each = [f"strpos({cell}, '@') > 0 AND ({_BARE.format(cell=cell)} OR {_MORE.format(cell=cell)})" for cell in cells]
    condition = f"strpos(concat_ws(' ', {', '.join(cells)}), '@') > 0 AND ({' OR '.join(f'({one})' for one in each)})"
    return condition, {"addresses": sorted(addresses)}


def _with_other(table: Table, others: Iterable[str]) -> tuple[str, Mapping[str, Any]]:
    patterns = sorted(_pattern(spelling) for needle in others for spelling in spellings(needle))
    condition = " OR ".join(f"{cell} ILIKE ANY (%(patterns)s)" for cell in _cells(table))
    return condition, {"patterns": patterns}


def _cells(table: Table) -> list[str]:
    return [f"{connection.ops.quote_name(column)}::text" for column in table.columns]


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
