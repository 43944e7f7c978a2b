"""Reading the whole erasure ledger, and writing again what it has lost.

What could go wrong: a database from a backup writes into a ledger that it does not fit (what is there must be the
beginning of what the database has, entry by entry), or a long ledger that fills memory (it is read line by line).
"""

from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from itertools import batched

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.ledger.services import record
from retention import gate
from retention.errors import LedgerBroken
from retention.models import ErasureEntry
from retention.outside import lines, position, writing
from retention.outside.lines import Entry, Reading
from retention.outside.places import place, reachable, whole
from retention.verbs import LEDGER_REBUILT

AT_ONCE = 1_000


def verify() -> Reading:
    """Read the whole ledger; `problem` says what is wrong with it, and `entries` how many stand."""
    with suppress(LedgerBroken):  # the reading says where
        writing.settle()
    at, seen = position.read(), []

    def look(entry: Entry) -> None:
        if at.is_at(entry):
            seen.append(entry)

    reading = lines.read(whole(), look)
    reading.torn = reachable(place().torn)
    if not reading.problem and at.number and not seen:
        reading.problem = "The ledger lacks the entry at which this database stands."
    return reading


def rebuild(*, actor: str) -> int:
    """Write to the ledger what it lacks and this database has, word for word; the number of entries.

    LedgerBroken when what is there is not the beginning of what the database has: then it is to be put aside first.
    """
    writing.settle()
    count = 0
    with transaction.atomic():
        at = position.lock().at
        with closing(_rows(at.number)) as rows:
            _require_beginning(rows)
            for lost in batched(rows, AT_ONCE):
                _add(lost)
                count += len(lost)
        if count:
            record(LEDGER_REBUILT.name, actor=actor, entries=count, number=at.number, digest=at.digest)
    gate.forget()
    return count


def _rows(upto: int) -> Generator[ErasureEntry, None, None]:
    yield from ErasureEntry.objects.filter(number__lte=upto).order_by("number").iterator(AT_ONCE)


def _require_beginning(rows: Iterable[ErasureEntry]) -> None:
    """Read past as many rows as the ledger has."""
    mine = iter(rows)
    reading = Reading()
    for entry in lines.standing(whole(), reading):
        row = next(mine, None)
        if row is None or (row.number, row.digest) != (entry.number, entry.digest):
            raise LedgerBroken(_("The ledger that is there is not the beginning of what this database has."))
    if reading.problem:
        raise LedgerBroken(reading.problem)


def _add(rows: Iterable[ErasureEntry]) -> None:
    lost = list(rows)
    notes = lines.notes("done", (row.number for row in lost))
    reachable(lambda: place().append(lambda tail: [*(row.line for row in lost), *(note.line for note in notes)]))
