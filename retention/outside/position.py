"""This database's position in the ledger: read by the gate, locked and moved by whoever writes.

What could go wrong: a copy of the database writes to the ledger of the one that it was made from. So beside the
position stands the home that the ledger was given to last (a server by its own number, and a database there): a copy is
somewhere else, wherever its address came from. Or a savepoint that is rolled back takes the position along, while its
transaction commits. So an entry names the (sub)transaction that wrote the row, by the row's own xmin, and PostgreSQL
tells what became of it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DataError, connection, transaction

from retention.models import ErasureHead, ErasureParked
from retention.outside.lines import Entry

Row = tuple[Any, ...] | None
Ask = Callable[[str, list[Any]], Row]

_TABLE = ErasureHead._meta.db_table
_HERE = (
    "(SELECT system_identifier FROM pg_control_system())"
    " || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_PARKED = f"EXISTS (SELECT FROM {ErasureParked._meta.db_table} WHERE done_at IS NULL AND accepted_at IS NULL)"
READ = f"SELECT number, digest, home, {_HERE}, {_PARKED} FROM {_TABLE} WHERE id = 1"  # noqa: S608
# The server by its own number and its time line: after a recovery to an earlier moment numbers are given out again.
_SERVER = (
    "(SELECT system_identifier FROM pg_control_system())"
    " || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
)
_LOCK = (
    f"INSERT INTO {_TABLE} AS head (id, number, digest, home) VALUES (1, 0, '', '') ON CONFLICT (id)"  # noqa: S608
    f" DO UPDATE SET number = head.number RETURNING head.number, head.digest, head.home, {_HERE}, {_PARKED},"
    f" head.xmin::text, pg_current_xact_id()::text, {_SERVER}"
)
_WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class Position:
    """`home`: whom the ledger was given to last, as this database knows; `here`: where it is. `parked`: an entry could
    not be carried out again, and nobody has answered for going on without it."""

    number: int = 0
    digest: str = ""
    home: str = ""
    here: str = ""
    parked: bool = False

    @property
    def is_home(self) -> bool:
        """Whether the ledger is this database's own; it is nobody's until the first entry."""
        return self.home in ("", self.here)

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
    *at, xmin, top, server = row
    return Mine(Position(*at), server, str(_whole(int(xmin), int(top))))


def move(to: Entry, home: str) -> None:
    """Behind this entry; `home` is that of the last entry about it among those that were written, or ""."""
    sql = f"UPDATE {_TABLE} SET number = %s, digest = %s, home = coalesce(nullif(%s, ''), home) WHERE id = 1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [to.number, to.digest, home])


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
