"""The restore gate: may this database be served and worked on, or did it come back from a backup without its erasures?

The database's position is compared with the end of the ledger outside of it. What could go wrong: the question costs
more than it protects (an answer counts for a few seconds, unless a new connection is made), the answer is wrong because
somebody writes meanwhile (the ledger is read first, then the position; and again when they differ), or the ledger's
disk is away for a moment and takes everything down (a database that was found to be whole stays so for a while, as long
as it has not gone back behind the position that it had then).
"""

import logging
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import psycopg
from django.db import ProgrammingError
from django.db.backends.signals import connection_created
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from retention.errors import GateShut, LedgerBroken, RetentionError
from retention.outside import position
from retention.outside.lines import Entry, Tail
from retention.outside.places import is_remote, place, reachable
from retention.outside.position import Ask, Position

logger = logging.getLogger(__name__)

GOOD_FOR: Final = 5.0  # seconds that an answer counts
GOOD_FOR_REMOTE: Final = 20.0
SHUT_FOR: Final = 1.0  # a gate that opens is noticed soon, and a crowd before a shut one asks once, not each by itself
WITHOUT_LEDGER: Final = 600.0  # seconds that an open gate stays open while the ledger cannot be reached
LOOKS: Final = 3


class State(StrEnum):
    OPEN = "open"
    BEHIND = "behind"
    MISSING = "missing"
    CUT = "cut"
    ANOTHER = "another"
    BROKEN = "broken"
    UNREACHABLE = "unreachable"
    COPY = "copy"
    PARKED = "parked"


WORDS: Final[dict[State, tuple[str | Promise, str | Promise]]] = {
    State.OPEN: (_("The database stands at the end of the erasure ledger."), ""),
    State.BEHIND: (
        _("The database came back from a backup and lacks erasures that were carried out since."),
        _("Run `manage.py erasures replay`."),
    ),
    State.MISSING: (
        _("The erasure ledger is not where it should be, but the database knows entries of it."),
        _("Bring back what ERASURE_LEDGER_URL names; if it is lost: `manage.py erasures rebuild --from-database`."),
    ),
    State.CUT: (
        _("The erasure ledger lacks entries at its end that the database knows."),
        _("Bring back the newest copy of the ledger; if there is none: `manage.py erasures rebuild --from-database`."),
    ),
    State.ANOTHER: (
        _("The erasure ledger is not the one that this database belongs to."),
        _("Look at ERASURE_LEDGER_URL and DATABASE_URL: one of them names the wrong installation."),
    ),
    State.BROKEN: (
        _("The end of the erasure ledger cannot be read: a line was changed."),
        _("Run `manage.py erasures verify` and bring back an unchanged copy of the ledger."),
    ),
    State.UNREACHABLE: (
        _("The erasure ledger cannot be reached."),
        _("Mount, or reach, what ERASURE_LEDGER_URL names."),
    ),
    State.COPY: (
        _("The erasure ledger belongs to another database, and this one is a copy of it."),
        _(
            "A copy for trials needs a ledger of its own: set ERASURE_LEDGER_URL to a new place, then run"
            " `manage.py erasures rebuild --from-database` and `manage.py erasures adopt --own-ledger`. A database that"
            " takes the place of the former one: `manage.py erasures adopt --former-is-stopped`."
        ),
    ),
    State.PARKED: (
        _("An entry of the erasure ledger could not be carried out again."),
        _(
            "`manage.py erasures status` names it. Mend what it says and run `manage.py erasures replay`; or answer for"
            " going on without it: `manage.py erasures accept`."
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """The gate as it was found, with both ends that were compared; `unsettled` entries wait for their note."""

    state: State
    at: Position
    head: Entry | None
    unsettled: int = 0

    @property
    def is_open(self) -> bool:
        return self.state is State.OPEN

    @property
    def words(self) -> str:
        return str(WORDS[self.state][0])

    @property
    def remedy(self) -> str:
        return str(WORDS[self.state][1])


@dataclass(slots=True)
class _Known:
    state: State = State.UNREACHABLE
    until: float = 0.0
    opened: float = float("-inf")
    number: int = 0  # the position when it was found to be open last


_known = _Known()


def is_open() -> bool:
    """For every request and every task: an answer from memory while it counts."""
    return state() is State.OPEN


def state() -> State:
    """As `is_open`, with the reason."""
    if time.monotonic() >= _known.until:
        _remember(_look_or_unmigrated())
    return _known.state


def require_open() -> None:
    """GateShut, with what is to be done, unless this database may be worked on."""
    if not is_open():
        words, remedy = WORDS[_known.state]
        raise GateShut(words, remedy=remedy)


def forget() -> None:
    """The next question is asked anew."""
    _known.until = 0.0


def is_patient(found: Look) -> bool:
    """Whether the ledger alone cannot be reached, and this database was whole a while ago."""
    lately = time.monotonic() - _known.opened < WITHOUT_LEDGER
    whole = found.at.is_home and not found.at.parked and found.at.number >= _known.number
    return lately and found.state is State.UNREACHABLE and whole


def look(by: Ask = position.ask) -> Look:
    """Compare now, whatever is remembered."""
    found = _compared(by)
    for _again in range(LOOKS - 1):
        if found.is_open:
            break
        found = _compared(by)
    return found


def _compared(by: Ask) -> Look:
    try:
        tail = reachable(lambda: place().tail())
    except LedgerBroken:
        return Look(State.BROKEN, position.read(by), None)
    except RetentionError:
        return Look(State.UNREACHABLE, position.read(by), None)
    at = position.read(by)
    return Look(_state(tail, at, by), at, tail.head, len(tail.open))


def _state(tail: Tail, at: Position, by: Ask) -> State:
    """Where the position stands among the entries at the ledger's end."""
    if at.is_at(tail.head):
        return _at_its_end(at)
    if tail.head is None:
        return State.MISSING
    if at.number > tail.head.number:
        return State.CUT
    before = [entry for entry in tail.standing if entry.number <= at.number]
    if not before:
        # Entries before the certain one were not read; without a certain one, the position is at the very beginning.
        if tail.certain is not None or at.number:
            return State.BEHIND
    elif not at.is_at(before[-1]):
        return State.ANOTHER
    later = [entry for entry in tail.open if entry.number > at.number]
    fate = position.fates(later, by)
    never_were = all(fate(entry) in ("aborted", "in progress") for entry in later)
    return _at_its_end(at) if never_were else State.BEHIND


def _at_its_end(at: Position) -> State:
    """The database has caught up; whether it may go on is another question."""
    if not at.is_home:
        return State.COPY
    return State.PARKED if at.parked else State.OPEN


def _look_or_unmigrated() -> Look:
    try:
        return look()
    except ProgrammingError:
        # A dump from before this table was there, or a new database: nothing of the ledger is in it.
        return look(lambda sql, values: None)


def _remember(looked: Look) -> None:
    now, found = time.monotonic(), looked.state
    if is_patient(looked):
        logger.error("The erasure ledger cannot be reached; the gate stays open for a while.")
        found = State.OPEN
    elif found is State.OPEN:
        _known.opened, _known.number = now, looked.at.number
    if found is not _known.state and found is not State.OPEN:
        logger.error("The restore gate is shut: %s. Run `manage.py erasures status`.", found.value)
    good_for = GOOD_FOR_REMOTE if is_remote() else GOOD_FOR
    _known.state, _known.until = found, now + (good_for if found is State.OPEN else SHUT_FOR)


def _new_connection(**_kwargs: Any) -> None:
    """It may lead to another database than the last one did; then what was found does not count."""
    _known.until = 0.0


def outside_of_django(link: "psycopg.Connection[Any]") -> Ask:
    """For probes with a connection of their own."""

    def ask(sql: str, values: list[Any]) -> Any:
        return link.execute(sql, values).fetchone()

    return ask


connection_created.connect(_new_connection, dispatch_uid="retention.gate")
__all__: Final = [
    "Look",
    "State",
    "forget",
    "is_open",
    "is_patient",
    "look",
    "outside_of_django",
    "require_open",
    "state",
]
