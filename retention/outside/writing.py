"""Writing to the ledger in the transaction of what is written about; see the package for what a crash leaves where.

What could go wrong: an act that is committed and stands nowhere (the entry is on the disk before the COMMIT), an entry
whose act never was (its transaction's fate is asked), a database from a backup that writes on as if nothing had been
erased since (the position must be the ledger's end, or nothing is written and the act is rolled back).
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from retention.errors import GateShut, RetentionError
from retention.models import ErasureEntry
from retention.outside import lines, position
from retention.outside.lines import Entry, Note, Tail
from retention.outside.places import place, reachable
from retention.outside.position import Mine, Position

logger = logging.getLogger(__name__)

_INSERT = (
    f"INSERT INTO {ErasureEntry._meta.db_table} (number, act, at, line, digest)"  # noqa: S608
    " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])"
)


def note(act: str, *, now: datetime, **content: Any) -> None:
    """One act, in the transaction that carries it out; call it last. GateShut when this database may not write."""
    note_all(act, [content], now=now)


def note_all(act: str, contents: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """Several acts of one transaction by one writing."""
    if not contents:
        return
    mine = position.lock()
    made: list[Entry] = []

    def make(tail: Tail) -> list[str]:
        notes = _settled(tail, mine.at)
        void = {number for each in notes for number in each.numbers if each.word == "void"}
        standing = [entry for entry in tail.standing if entry.number not in void]
        if not mine.at.is_at(standing[-1] if standing else None):
            raise GateShut("This database does not stand at the end of the erasure ledger.")
        made.extend(_entries(act, contents, now, mine, tail.last_number))
        return [*(note.line for note in notes), *(entry.line for entry in made)]

    reachable(lambda: place().append(make))
    store(made)
    first, last = made[0].number, made[-1].number
    transaction.on_commit(lambda: _noted(Note("done", first, last)), robust=True)


def store(entries: Iterable[Entry]) -> None:
    """Take entries into the database and move its position behind them; in the transaction of their acts."""
    rows = [(entry.number, entry.act, entry.content["at"], entry.line, entry.digest) for entry in entries]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
    position.move(Position(rows[-1][0], rows[-1][-1]))


def settle() -> int:
    """Note what became of entries whose end is open: done, or void. The number of entries settled.

    For the sweep, apart from any act. What cannot be told here stays open, and keeps the gate shut.
    """
    tail = reachable(place().tail)
    if not tail.open:
        return 0
    with transaction.atomic():
        at = position.lock().at  # waits for whoever is writing, so nothing that is found open is still at work
        settled: list[Note] = []

        def make(tail: Tail) -> list[str]:
            settled[:] = _settled(tail, at)
            return [line.line for line in settled]

        reachable(lambda: place().append(make))
    return sum(len(each.numbers) for each in settled)


def _settled(tail: Tail, at: Position) -> list[Note]:
    """Notes for the open entries: those up to the position are done, those of a transaction that went back are void.

    Entries that this very transaction wrote before stand at its position: they are left open until it has ended.
    """
    fate = position.fates(tail.open)
    done = [entry.number for entry in tail.open if entry.number <= at.number and fate(entry) != "in progress"]
    void = [entry.number for entry in tail.open if entry.number > at.number and fate(entry) == "aborted"]
    return lines.notes("done", done) + lines.notes("void", void)


def _entries(act: str, contents: Sequence[dict[str, Any]], now: datetime, mine: Mine, last: int) -> list[Entry]:
    prev, made = mine.at.digest, []
    for number, content in enumerate(contents, max(last, mine.at.number) + 1):
        about = {"act": act, "at": now.astimezone(UTC).isoformat(), "server": mine.server, "xid": mine.xid}
        made.append(Entry.made(number, content | about, prev))
        prev = made[-1].digest
    return made


def _noted(done: Note) -> None:
    """After the commit. That it is missing harms nobody: the settling adds it."""
    try:
        reachable(lambda: place().append(lambda tail: [done.line], durable=False))
    except RetentionError as error:
        logger.warning("The erasure ledger could not be told of a commit: %s.", error.code)
