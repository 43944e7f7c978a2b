"""Carrying out again, in a restored database, what the erasure ledger knows and the database does not.

Each entry is one transaction with the position behind it, so a replay that was killed goes on where it stopped, and a
second one finds nothing to do. What could go wrong: what was held at the time is erased now (holds are entries as well,
and placed again in their turn), the ledger was changed (it is read whole and checked before anything is done), rows of
others (keys are never used twice, and the steps are those of every erasure), or the gate opens half-way (it opens when
the position is the ledger's end, and with the last entry the evidence is written).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.crm.services import accounts as crm_accounts
from crasme.kit.datamap import Subject
from crasme.ledger.services import record
from retention import erasure, gate, holds, locks
from retention.engine import accounts
from retention.errors import LedgerBroken, ReplayImpossible
from retention.models import ErasureEntry, Hold
from retention.obstacles import Scopes
from retention.outside import content, lines, position, writing
from retention.outside.lines import Entry, Reading
from retention.outside.places import place, reachable
from retention.outside.position import Position
from retention.verbs import ERASED_AGAIN, GATE_OPENED, LEDGER_REBUILT

Reached = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """What was done again: entries by act, rows by table, rows that holds or the law keep, entries without any row."""

    entries: int = 0
    first: int = 0
    last: int = 0
    acts: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    held: int = 0
    not_there: int = 0

    def add(self, entry: Entry, done: "_Done") -> None:
        self.entries += 1
        self.first, self.last = self.first or entry.number, entry.number
        self.acts[entry.act] = self.acts.get(entry.act, 0) + 1
        for label, rows in done.counts.items():
            self.counts[label] = self.counts.get(label, 0) + rows
        self.held += done.held
        self.not_there += not done.found


@dataclass(frozen=True, slots=True)
class _Done:
    counts: dict[str, int]
    held: int = 0
    found: bool = True


def pending() -> list[Entry]:
    """The entries that this database lacks, in order. LedgerBroken or ReplayImpossible when that cannot be told."""
    return _after(position.read(), _whole())


def replay(*, actor: str, now: datetime, reached: Reached = lambda boundary: None) -> Report:
    """Carry out what this database lacks and open the gate. ReplayImpossible when another replay is at work."""
    with locks.only_one("retention replay") as mine:
        if not mine:
            raise ReplayImpossible(_("Another replay is at work."))
        report = Report()
        waiting = pending()
        for entry in waiting:
            with transaction.atomic():
                _take_over(entry, report, actor)
                reached("entry.done")
                if entry is waiting[-1]:
                    _record_opening(report, entry, actor)
            reached("entry.committed")
        _note_done(waiting)
    gate.forget()
    return report


def rehearse(*, actor: str) -> Report:
    """What a replay would do, done and rolled back."""
    report = Report()
    with transaction.atomic():
        for entry in pending():
            _take_over(entry, report, actor)
        transaction.set_rollback(True)
    return report


def verify() -> Reading:
    """Read the whole ledger; `problem` says what is wrong with it, and `entries` which ones stand."""
    reading = lines.read(place().lines())
    reading.torn = reachable(place().torn)
    if not reading.problem:
        reading.problem = _against_database(reading)
    return reading


def rebuild(*, actor: str) -> int:
    """Write to the ledger what it lacks and this database has, word for word; the number of entries.

    LedgerBroken when what is there is not the beginning of what the database has: then it is to be put aside first.
    """
    reading = _sound()
    known = {entry.number: entry.digest for entry in reading.entries}
    with transaction.atomic():
        at = position.lock().at
        rows = list(ErasureEntry.objects.filter(number__lte=at.number).order_by("number"))
        mine = {row.number: row.digest for row in rows}
        if any(mine.get(number) != digest for number, digest in known.items()):
            raise LedgerBroken(_("The ledger that is there is not the beginning of what this database has."))
        lost = [row for row in rows if row.number not in known]
        if not lost:
            return 0
        if reading.head and lost[0].number < reading.head.number:
            raise LedgerBroken(_("The ledger that is there has a gap: put it aside and rebuild it whole."))
        notes = lines.notes("done", (row.number for row in lost))
        reachable(lambda: place().append(lambda tail: [*(row.line for row in lost), *(note.line for note in notes)]))
        record(LEDGER_REBUILT.name, actor=actor, entries=len(lost), number=at.number, digest=at.digest)
    gate.forget()
    return len(lost)


def _whole() -> Reading:
    writing.settle()
    return _sound()


def _sound() -> Reading:
    """All of the ledger. LedgerBroken when its chain is not whole."""
    reading = lines.read(place().lines())
    if reading.problem:
        raise LedgerBroken(reading.problem)
    return reading


def _after(at: Position, reading: Reading) -> list[Entry]:
    if not at.number:
        return reading.entries
    behind = [entry for entry in reading.entries if entry.number > at.number]
    if not any(at.is_at(entry) for entry in reading.entries):
        raise ReplayImpossible(_("The position of this database is not in the ledger: it belongs to another one."))
    return behind


def _against_database(reading: Reading) -> str:
    at = position.read()
    if at.number and not any(at.is_at(entry) for entry in reading.entries):
        return "The ledger lacks the entry at which this database stands."
    return ""


def _take_over(entry: Entry, report: Report, actor: str) -> None:
    """One entry, in the caller's transaction."""
    if entry.act in ("hold", "release"):
        locks.exclude_purges()
    else:
        locks.share_holds()
    done = _again(entry, actor)
    at = position.lock().at
    if at.digest != entry.prev:
        raise ReplayImpossible(_("Something else wrote to this database meanwhile."))
    writing.store([entry])
    subject = content.parsed(entry.content.get("subject", {}))
    record(
        ERASED_AGAIN.name,
        actor=actor,
        subject=erasure.reference(subject),
        number=entry.number,
        act=entry.act,
        plan=entry.content.get("plan", ""),
        counts=done.counts,
        kept=done.held,
    )
    report.add(entry, done)


def _again(entry: Entry, actor: str) -> _Done:
    when = datetime.fromisoformat(entry.content["at"])
    if entry.act == "hold":
        return _Done({}, found=holds.place_again(entry.content, actor=actor))
    if entry.act == "release":
        hold = Hold.objects.active().filter(pk=entry.content["hold"]).first()
        if hold is not None:
            holds.let_go(hold, actor=actor, now=when)
        return _Done({}, found=hold is not None)
    subject = content.parsed(entry.content["subject"])
    if entry.act == "expiry":
        return _expired(subject, entry.content["rule"], when)
    if entry.act != "erasure":
        raise ReplayImpossible(_("This version does not know what “%(act)s” means.") % {"act": entry.act})
    for room in settings.ERASED_AGAIN:
        import_string(room)(subject, now=when)
    outcome = erasure.again(subject, entry.content["rows"], now=when)
    for account in _still_open(subject):
        # A hold kept all of it at the time as well; closed, it ends by the schedule once the hold is over.
        crm_accounts.close(account, actor=actor, now=when)
    held = sum(kept.rows for kept in outcome.kept if kept.reason in (erasure.ON_HOLD, erasure.LEANT_ON))
    return _Done(outcome.counts, held, found=bool(outcome.counts or outcome.kept))


def _expired(subject: Subject, slug: str, when: datetime) -> _Done:
    keys = [UUID(key) for key in subject.values.get("account", ())]
    there = list(Account._base_manager.select_for_update().filter(pk__in=keys).values_list("pk", flat=True))
    counts = accounts.erase(there, accounts.tables_of(slug), Scopes.now(), when) if there else {}
    return _Done({label: rows for label, rows in counts.items() if rows}, found=bool(there))


def _still_open(subject: Subject) -> Iterator[Account]:
    yield from Account._base_manager.filter(pk__in=subject.values.get("account", ()), status=Account.Status.ACTIVE)


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


def _note_done(entries: list[Entry]) -> None:
    """Those whose end was open are certain now."""
    done = {entry.number for entry in entries}

    def make(tail: lines.Tail) -> list[str]:
        numbers = [entry.number for entry in tail.open if entry.number in done]
        return [note.line for note in lines.notes("done", numbers)]

    if done:
        reachable(lambda: place().append(make))
