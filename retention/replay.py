"""Carrying out again, in a restored database, what the erasure ledger knows and the database does not.

Each entry is one transaction with the position behind it, so a replay that was killed goes on where it stopped, and a
second one finds nothing to do. What could go wrong: what was held at the time is erased now (holds are entries as well,
and placed again in their turn; without one nothing behind it is done), the ledger was changed (it is read whole and
checked before anything is done), the gate opens half-way (it opens when the position is the ledger's end, and with the
last entry the evidence is written), or one entry that cannot be carried out keeps the gate shut for ever (it is parked,
and somebody may answer for going on; it is tried again, and never forgotten).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from crasme.ledger.services import record
from retention import again, erasure, gate, locks
from retention.errors import LedgerBroken, LedgerUnreachable, ReplayImpossible, code_of
from retention.models import ErasureParked
from retention.outside import content, lines, position, writing
from retention.outside.lines import Entry, Reading
from retention.outside.places import place, reachable, whole
from retention.outside.position import Position
from retention.verbs import ERASED_AGAIN, GATE_OPENED, LEDGER_ADOPTED, REPLAY_ACCEPTED, REPLAY_PARKED

Reached = Callable[[str], None]
# Not the entry's fault: the same entry is carried out by the next replay.
PASSING = (OperationalError, InterfaceError, LedgerUnreachable)


@dataclass(slots=True)
class Report:
    """What was done again: entries by act, rows by table, rows that holds or the law keep, entries without any row;
    and the numbers of those that could not be."""

    entries: int = 0
    first: int = 0
    last: int = 0
    acts: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    held: int = 0
    not_there: int = 0
    parked: list[int] = field(default_factory=list)

    def add(self, entry: Entry, done: again.Done) -> None:
        self.entries += 1
        self.first, self.last = self.first or entry.number, entry.number
        self.acts[entry.act] = self.acts.get(entry.act, 0) + 1
        for label, rows in done.counts.items():
            self.counts[label] = self.counts.get(label, 0) + rows
        self.held += done.held
        self.not_there += not done.found


@dataclass(slots=True)
class _Missing:
    """What a first reading of the whole ledger found behind a position."""

    at: Position
    never: set[int]  # this very server says that their transactions went back; a copy notes that nowhere
    found: bool
    last: Entry | None = None

    def look(self, entry: Entry) -> None:
        self.found = self.found or self.at.is_at(entry)
        if entry.number > self.at.number and entry.number not in self.never:
            self.last = entry

    def read_again(self) -> Iterator[Entry]:
        """One by one: a ledger is longer than memory."""
        if self.last is not None:
            for entry in lines.standing(whole(), Reading()):
                if self.at.number < entry.number <= self.last.number and entry.number not in self.never:
                    yield entry


def missing() -> _Missing:
    """The entries that this database lacks, in order. LedgerBroken or ReplayImpossible when that cannot be told."""
    writing.settle()
    at = position.read()
    tail = reachable(lambda: place().tail())
    fate = position.fates(tail.open)
    never = {entry.number for entry in tail.open if entry.number > at.number and fate(entry) == "aborted"}
    behind = _Missing(at, never, found=not at.number)
    reading = lines.read(whole(), behind.look)
    if reading.problem:
        raise LedgerBroken(reading.problem)
    if not behind.found:
        raise ReplayImpossible(_("The position of this database is not in the ledger: it belongs to another one."))
    return behind


def replay(*, actor: str, now: datetime, reached: Reached = lambda boundary: None) -> Report:
    """Carry out what this database lacks; the gate opens when nothing else shuts it. ReplayImpossible when another
    replay is at work, or when a hold cannot be placed again."""
    with locks.only_one("retention replay") as mine:
        if not mine:
            raise ReplayImpossible(_("Another replay is at work."))
        report = Report()
        _carry_out_all(report, actor, now, reached)
        _try_parked(actor, now)
        writing.settle()
    gate.forget()
    return report


def rehearse(*, actor: str, now: datetime) -> Report:
    """What a replay would do, done and rolled back."""
    report = Report()
    with transaction.atomic():
        _carry_out_all(report, actor, now, lambda boundary: None)
        transaction.set_rollback(True)
    return report


def try_parked(*, actor: str, now: datetime) -> int:
    """Once more what could not be carried out; the number of entries that could now."""
    with locks.only_one("retention replay") as mine:
        done = _try_parked(actor, now) if mine else 0
    if done:
        gate.forget()
    return done


def accept(number: int, *, reason: str, actor: str, now: datetime) -> ErasureParked:
    """Answer for going on although this entry could not be carried out. ReplayImpossible unless it is parked, or is the
    next one of this database and stops the replay."""
    with locks.only_one("retention replay") as mine, transaction.atomic():
        if not mine:
            raise ReplayImpossible(_("Another replay is at work."))
        parked = ErasureParked.objects.select_for_update().filter(number=number, done_at=None).first()
        if parked is None:
            entry = next(missing().read_again(), None)
            if entry is None or entry.number != number:
                raise ReplayImpossible(_("Entry %(number)d is not parked, nor the next one.") % {"number": number})
            parked = _park(entry, "not-tried", actor, now)
        parked.accepted_at, parked.accepted_by, parked.reason = now, actor, reason
        parked.full_clean()
        parked.save(update_fields=["accepted_at", "accepted_by", "reason"])
        record(REPLAY_ACCEPTED.name, actor=actor, number=number, act=parked.act)
    gate.forget()
    return parked


def adopt(*, actor: str, now: datetime) -> str:
    """Take the ledger over from the database that wrote to it; whose it was, or "" when it was this one's already.
    GateShut unless this database knows all of it."""
    writing.settle()
    with transaction.atomic():
        before = writing.adopt(now)
        at = position.read()
        if before == at.home:
            return ""
        record(LEDGER_ADOPTED.name, actor=actor, number=at.number, before=before, home=at.home)
    gate.forget()
    return before


def _carry_out_all(report: Report, actor: str, now: datetime, reached: Reached) -> None:
    behind = missing()
    for entry in behind.read_again():
        is_last = behind.last is not None and entry.number == behind.last.number
        try:
            with transaction.atomic():
                _take_over(entry, report, actor)
                reached("entry.done")
                if is_last:
                    _record_opening(report, entry, actor)
        except PASSING:
            raise
        except Exception as error:
            if isinstance(error, _Stopped):
                raise
            if again.keeps(entry.act):
                raise ReplayImpossible(
                    _("Entry %(number)d (%(act)s) cannot be carried out: %(error)s.")
                    % {"number": entry.number, "act": entry.act, "error": code_of(error)},
                    remedy=_remedy(error, entry),
                ) from error
            with transaction.atomic():
                _park(entry, code_of(error), actor, now)
                report.parked.append(entry.number)
                if is_last:
                    _record_opening(report, entry, actor)
        reached("entry.committed")


def _take_over(entry: Entry, report: Report, actor: str) -> None:
    """One entry, in the caller's transaction."""
    if entry.act in ("hold", "release", "restrict", "dispute"):
        locks.exclude_purges()
    else:
        locks.share_holds()
    done = again.carry_out(entry, actor)
    _move_behind(entry)
    _record(entry, done, actor)
    report.add(entry, done)


class _Stopped(ReplayImpossible):
    """Nothing is wrong with the entry."""


def _move_behind(entry: Entry) -> None:
    if position.lock().at.digest != entry.prev:
        raise _Stopped(_("Something else wrote to this database meanwhile."))
    writing.store([entry])


def _park(entry: Entry, error: str, actor: str, now: datetime) -> ErasureParked:
    _move_behind(entry)
    parked = ErasureParked.objects.create(
        number=entry.number, act=entry.act, line=entry.line, error=error, parked_at=now
    )
    record(REPLAY_PARKED.name, actor=actor, number=entry.number, act=entry.act, error=error)
    return parked


def _try_parked(actor: str, now: datetime) -> int:
    count = 0
    for number in list(ErasureParked.objects.filter(done_at=None).values_list("number", flat=True)):
        try:
            with transaction.atomic():
                count += _try_one(number, actor, now)
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001  (whatever it is, it stays parked and says so)
            ErasureParked.objects.filter(number=number).update(error=code_of(error))
    return count


def _try_one(number: int, actor: str, now: datetime) -> bool:
    locks.exclude_purges()
    parked = ErasureParked.objects.select_for_update().filter(number=number, done_at=None).first()
    if parked is None:
        return False
    entry = lines.parsed(parked.line.encode())
    if not isinstance(entry, Entry):
        raise LedgerBroken(_("A line of the erasure ledger was changed."))
    done = again.carry_out(entry, actor)
    parked.done_at = now
    parked.save(update_fields=["done_at"])
    _record(entry, done, actor)
    return True


def _record(entry: Entry, done: again.Done, actor: str) -> None:
    record(
        ERASED_AGAIN.name,
        actor=actor,
        subject=erasure.reference(content.parsed(entry.content.get("subject", {}))),
        number=entry.number,
        act=entry.act,
        plan=entry.content.get("plan", ""),
        counts=done.counts,
        kept=done.held,
    )


def _record_opening(report: Report, last: Entry, actor: str) -> None:
    record(
        GATE_OPENED.name,
        actor=actor,
        number=last.number,
        digest=last.digest,
        entries=report.entries,
        acts=report.acts,
        counts=report.counts,
    )


def _remedy(error: Exception, entry: Entry) -> str:
    accept = _("To go on without it: `manage.py erasures accept %(number)d`.") % {"number": entry.number}
    mended = error.message if isinstance(error, ReplayImpossible) else ""
    return f"{mended} {accept}".strip()
