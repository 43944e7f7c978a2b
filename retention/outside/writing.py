"""Writing to the ledger in the transaction of what is written about; see the package for what a crash leaves where.

What could go wrong: an act that is committed and stands nowhere (the entry is on the disk before the COMMIT), an entry
whose act never was (its transaction's fate is asked), a database from a backup, or a copy of one, that writes on as if
the ledger were its own (the position must be the ledger's end and this its home, or nothing is written and the act is
rolled back), or two transactions that wait for each other (the position is the last thing that any of them locks: what
goes on after an erasure in the same transaction belongs into `together`).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from retention.errors import GateShut, RetentionError
from retention.models import ErasureEntry
from retention.outside import lines, position
from retention.outside.lines import Entry, Note, Tail
from retention.outside.places import place, reachable
from retention.outside.position import Mine, Position

logger = logging.getLogger(__name__)

ADOPT = "adopt"
_INSERT = (
    f"INSERT INTO {ErasureEntry._meta.db_table} (number, act, at, line, digest)"  # noqa: S608
    " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])"
)


@dataclass(frozen=True, slots=True)
class Act:
    name: str
    at: datetime
    content: dict[str, Any] = field(default_factory=dict)


# Acts of `together`, each with a mark that Django forgets when the savepoint around the act is rolled back.
_collected: ContextVar[list[tuple[Act, Callable[[], None]]] | None] = ContextVar("collected", default=None)


def note(act: str, *, now: datetime, **content: Any) -> None:
    """One act, in the transaction that carries it out; call it last. GateShut when this database may not write."""
    one, waiting = Act(act, now, content), _collected.get()
    if waiting is None:
        write([one])
        return

    def mark() -> None: ...

    transaction.on_commit(mark)
    waiting.append((one, mark))


@contextmanager
def together() -> Iterator[None]:
    """One transaction whose acts are written at its end, by one writing. For whoever erases several, or goes on to lock
    rows of others after an erasure: whoever has the position waits for nobody."""
    if _collected.get() is not None:
        yield
        return
    with transaction.atomic():
        acts: list[tuple[Act, Callable[[], None]]] = []
        token = _collected.set(acts)
        try:
            yield
        finally:
            _collected.reset(token)
        kept = {id(hook[1]) for hook in connection.run_on_commit}
        if standing := [act for act, mark in acts if id(mark) in kept]:
            write(standing)


def write(acts: Sequence[Act]) -> None:
    """Acts of this transaction; its last step. The first entry of all says whose the ledger is."""
    mine = position.lock()
    if not mine.at.is_home:
        raise GateShut(_("The erasure ledger belongs to another database, and this one is a copy of it."))
    if mine.at.parked:
        raise GateShut(_("An entry of the erasure ledger could not be carried out again."))
    _write(mine, acts if mine.at.home else [_adoption(mine, acts[0].at), *acts])


def found(now: datetime) -> bool:
    """Say whose the ledger is, before anybody can make a copy that does not know; whether that was not said yet."""
    if position.read().home:
        return False
    with transaction.atomic():
        mine = position.lock()
        if mine.at.home:
            return False
        _write(mine, [_adoption(mine, now)])
    return True


def adopt(now: datetime) -> str:
    """Take the ledger over for this database; whose it was. GateShut unless this one knows all of it.

    Whoever had it before lags behind this entry, and writes nothing any more.
    """
    with transaction.atomic():
        mine = position.lock()
        if mine.at.home != mine.at.here:
            _write(mine, [_adoption(mine, now)])
    return mine.at.home


def store(entries: Sequence[Entry]) -> None:
    """Take entries into the database and move its position behind them; in the transaction of their acts."""
    rows = [(entry.number, entry.act, entry.content["at"], entry.line, entry.digest) for entry in entries]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
    homes = [entry.content["home"] for entry in entries if entry.act == ADOPT]
    position.move(entries[-1], homes[-1] if homes else "")


def settle() -> int:
    """Note what became of entries whose end is open: done, or void. The number of entries settled.

    For the sweep, apart from any act. What cannot be told here stays open, and keeps the gate shut. A copy settles
    nothing: it does not know what became of the transactions of others.
    """
    tail = reachable(place().tail)
    if not tail.open or not position.read().is_home:
        return 0
    with transaction.atomic():
        at = position.lock().at  # waits for whoever is writing, so nothing that is found open is still at work
        settled: list[Note] = []

        def make(tail: Tail) -> list[str]:
            settled[:] = _settled(tail, at)
            return [line.line for line in settled]

        reachable(lambda: place().append(make))
    return sum(len(each.numbers) for each in settled)


def _adoption(mine: Mine, now: datetime) -> Act:
    return Act(ADOPT, now, {"home": mine.at.here})


def _write(mine: Mine, acts: Sequence[Act]) -> None:
    made: list[Entry] = []

    def make(tail: Tail) -> list[str]:
        notes = _settled(tail, mine.at)
        void = {number for each in notes for number in each.numbers if each.word == "void"}
        standing = [entry for entry in tail.standing if entry.number not in void]
        if not mine.at.is_at(standing[-1] if standing else None):
            raise GateShut(_("This database does not stand at the end of the erasure ledger."))
        made[:] = _entries(acts, mine, tail.last_number)
        return [*(note.line for note in notes), *(entry.line for entry in made)]

    reachable(lambda: place().append(make))
    store(made)
    done = Note("done", made[0].number, made[-1].number)
    transaction.on_commit(lambda: _noted(done), robust=True)


def _settled(tail: Tail, at: Position) -> list[Note]:
    """Notes for the open entries: those up to the position are done, those of a transaction that went back are void.

    Entries that this very transaction wrote before stand at its position: they are left open until it has ended.
    """
    fate = position.fates(tail.open)
    done = [entry.number for entry in tail.open if entry.number <= at.number and fate(entry) != "in progress"]
    void = [entry.number for entry in tail.open if entry.number > at.number and fate(entry) == "aborted"]
    return lines.notes("done", done) + lines.notes("void", void)


def _entries(acts: Iterable[Act], mine: Mine, last: int) -> list[Entry]:
    prev, made = mine.at.digest, []
    for number, act in enumerate(acts, max(last, mine.at.number) + 1):
        about = {"act": act.name, "at": act.at.astimezone(UTC).isoformat(), "server": mine.server, "xid": mine.xid}
        made.append(Entry.made(number, act.content | about, prev))
        prev = made[-1].digest
    return made


def _noted(done: Note) -> None:
    """After the commit. That it is missing harms nobody: the settling adds it."""
    try:
        reachable(lambda: place().add([done.line]))
    except RetentionError as error:
        logger.warning("The erasure ledger could not be told of a commit: %s.", error.code)
