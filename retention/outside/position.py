"""This database's position in the ledger: read by the gate, locked and moved by whoever writes.

What could go wrong: a savepoint that is rolled back takes the position along, while its transaction commits. So an
entry names the (sub)transaction that wrote the row, by the row's own xmin, and PostgreSQL tells what became of it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DataError, connection, transaction

from retention.models import ErasureHead
from retention.outside.lines import Entry

Row = tuple[Any, ...] | None
Ask = Callable[[str, list[Any]], Row]

_TABLE = ErasureHead._meta.db_table
READ = f"SELECT number, digest FROM {_TABLE} WHERE id = 1"  # noqa: S608
# The server by its own number and its time line: after a recovery to an earlier moment numbers are given out again.
_SERVER = (
    "(SELECT system_identifier FROM pg_control_system())"
    " || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
)
_LOCK = (
    f"INSERT INTO {_TABLE} AS head (id, number, digest) VALUES (1, 0, '') ON CONFLICT (id)"  # noqa: S608
    " DO UPDATE SET number = head.number"
    f" RETURNING head.number, head.digest, head.xmin::text, pg_current_xact_id()::text, {_SERVER}"
)
_WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class Position:
    number: int = 0
    digest: str = ""

    def is_at(self, entry: Entry | None) -> bool:
        return (self.number, self.digest) == ((entry.number, entry.digest) if entry else (0, ""))


@dataclass(frozen=True, slots=True)
class Mine:
    """The position, locked by this transaction, and what names the transaction."""

    at: Position
    server: str
    xid: str


def ask(sql: str, values: list[Any]) -> Row:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row: Row = cursor.fetchone()
        return row


def read(by: Ask = ask) -> Position:
    row = by(READ, [])
    return Position(*row) if row else Position()


def lock() -> Mine:
    """Until this transaction ends nobody else writes an entry. Take it last: others wait for it."""
    row = ask(_LOCK, [])
    assert row is not None  # noqa: S101  (an INSERT … RETURNING always returns)
    number, digest, xmin, top, server = row
    return Mine(Position(number, digest), server, str(_whole(int(xmin), int(top))))


def move(to: Position) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {_TABLE} SET number = %s, digest = %s WHERE id = 1", [to.number, to.digest])  # noqa: S608


def fate(entry: Entry, by: Ask = ask) -> str:
    """What became of the transaction that wrote an entry: "aborted", "in progress", "committed", or "" for unknown."""
    server, xid = entry.transaction
    try:
        with _shielded():
            row = by(f"SELECT CASE WHEN {_SERVER} = %s THEN pg_xact_status(%s::xid8) END", [server, xid])
    except (DataError, psycopg.DataError):
        return ""  # a number that this server has not come to yet
    return str(row[0] or "") if row else ""


def fates(entries: Iterable[Entry], by: Ask = ask) -> Callable[[Entry], str]:
    """`fate` for these, asked once a transaction: one may have written hundreds."""
    first = {entry.transaction: entry for entry in entries}
    known: dict[tuple[str, str], str] = {}

    def of(entry: Entry) -> str:
        name = entry.transaction
        if name not in known:
            known[name] = fate(first[name], by)
        return known[name]

    return of


@contextmanager
def _shielded() -> Iterator[None]:
    """An error inside does not break the transaction around, when there is one."""
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
    else:
        yield


def _whole(xmin: int, top: int) -> int:
    """A row's xmin with the epoch of its transaction; subtransactions have later numbers than their own."""
    whole = (top & ~(_WRAP - 1)) | xmin
    return whole if whole >= top else whole + _WRAP
