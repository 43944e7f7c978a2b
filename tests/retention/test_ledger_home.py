"""Whose the ledger is, what cannot be carried out again, and what its reading and writing may cost."""

import os
import stat
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from fsspec.implementations.memory import MemoryFileSystem
from pytest_django import Settings

from crasme.crm.models import Account
from crasme.kit.datamap import Subject
from crasme.kit.ids import uuid7
from crasme.ledger.models import Entry as EvidenceEntry
from retention import erasure, gate, holds, rebuilding, replay, services
from retention.copies import Copies
from retention.errors import GateShut, LedgerUnreachable, ReplayImpossible
from retention.gate import State
from retention.models import ErasureHead, ErasureParked
from retention.outside import lines, places, writing
from retention.outside.lines import Entry, Note
from retention.outside.places import LineFile, place
from tests.retention import builders
from tests.retention.builders import NOW
from tests.retention.ledgers import ACTOR, entry, erase, ledger

__all__ = ["ledger"]


@pytest.mark.django_db
def test_a_copy_leaves_the_ledger_alone_and_gets_one_of_its_own(
    ledger: Path, settings: Settings, tmp_path: Path
) -> None:
    erase(builders.furnish(builders.account()))
    with transaction.atomic():
        erase(builders.furnish(builders.account()))
        transaction.set_rollback(True)
    ErasureHead.objects.update(home="7212345678901234567/16384")  # where it was before somebody copied it here
    before = ledger.read_bytes()
    gate.forget()
    assert (gate.look().state, gate.is_open()) == (State.COPY, False)
    assert "ERASURE_LEDGER_URL" in gate.look().remedy
    for act in (services.run_due, lambda _now: erase(builders.furnish(builders.account()))):
        with pytest.raises(GateShut):
            act(NOW)
    assert (writing.settle(), replay.replay(actor=ACTOR, now=NOW).entries) == (0, 0)
    assert ledger.read_bytes() == before

    settings.ERASURE_LEDGER_URL = str(tmp_path / "staging" / "ledger.jsonl")
    assert gate.look().state is State.MISSING
    call_command("erasures", "rebuild", "--from-database")
    assert gate.look().state is State.COPY
    call_command("erasures", "adopt", "--own-ledger")
    assert gate.look().state is State.OPEN
    erase(builders.furnish(builders.account()))
    assert rebuilding.verify().problem == ""
    assert (ledger.read_bytes(), EvidenceEntry.objects.get(verb="retention.ledger_adopted").facts["before"]) == (
        before,
        "7212345678901234567/16384",
    )


@pytest.mark.django_db
def test_an_entry_that_cannot_be_carried_out_is_parked_and_somebody_answers_for_it(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, unlucky, last = (builders.furnish(builders.account()) for _number in range(3))
    with transaction.atomic():
        erase(first)
        named = {"account": [str(unlucky.pk)]}
        writing.note("erasure", now=NOW, subject=named, rows={"crm.nosuchtable": ["1"]}, plan="", policy={})
        erase(last)
        transaction.set_rollback(True)
    place().append(lambda tail: [Note("done", 1, 4).line])
    assert replay.rehearse(actor=ACTOR, now=NOW).parked == [3]
    assert replay.replay(actor=ACTOR, now=NOW).parked == [3]
    assert set(Account.objects.filter(status="erased")) == {first, last}
    assert (gate.look().state, gate.look().at.number) == (State.PARKED, 4)
    with pytest.raises(GateShut):
        erase(unlucky)
    with pytest.raises(SystemExit):
        call_command("erasures", "status")
    assert "Entry 3 (erasure) is parked: " in capsys.readouterr().out

    answer = ("accept", "3", "--reason", "The table is gone since version 9.", "--by")
    with pytest.raises(CommandError, match="member of staff"):
        call_command("erasures", *answer, "nobody@example.com")
    with pytest.raises(CommandError, match="not parked"):
        call_command("erasures", "accept", "2", *answer[2:], builders.officer().email)
    officer = builders.officer()
    call_command("erasures", *answer, officer.email)
    assert gate.look().state is State.OPEN
    parked = ErasureParked.objects.get()
    assert (parked.accepted_by, parked.done_at, replay.try_parked(actor=ACTOR, now=NOW)) == (officer.ref, None, 0)
    call_command("erasures", "status")
    assert f"accepted on {parked.accepted_at:%Y-%m-%d} by {officer.ref}" in capsys.readouterr().out

    # It is tried again by every tick, and carried out as soon as it can be.
    mended = Entry.made(3, {"act": "erasure", "at": NOW.isoformat(), "subject": named, "rows": {}}, "")
    ErasureParked.objects.update(line=mended.line)
    services.run_due(NOW)
    unlucky.refresh_from_db()
    parked.refresh_from_db()
    assert (unlucky.status, parked.done_at) == ("erased", NOW)
    assert EvidenceEntry.objects.filter(verb="retention.replay_parked").count() == 1
    assert EvidenceEntry.objects.get(verb="retention.replay_accepted").actor == officer.ref


@pytest.mark.django_db
def test_nothing_behind_a_hold_is_erased_before_the_hold_is_placed_or_answered_for(ledger: Path) -> None:
    held = builders.furnish(builders.account())
    officer = builders.officer()
    with transaction.atomic():
        builders.hold(holds.account(held.pk))
        erase(held)
        transaction.set_rollback(True)
    place().append(lambda tail: [Note("done", 1, 3).line])
    officer.is_superuser = False
    officer.save()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retention.holds.Hold.save", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ReplayImpossible, match="erasures accept 2"):
            replay.replay(actor=ACTOR, now=NOW)
        held.refresh_from_db()
        assert (held.status, gate.look().state) == ("active", State.BEHIND)
        replay.accept(2, reason="It was a mistake.", actor=officer.ref, now=NOW)
        assert replay.replay(actor=ACTOR, now=NOW).entries == 1
    assert gate.look().state is State.OPEN


def test_a_ledger_is_for_whom_its_folder_is_and_says_whose_when_it_is_not(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "shared"
    home.mkdir()
    home.chmod(0o2770)
    if os.geteuid() == 0:  # as root's `manage.py` does in the folder of the web server's user
        os.chown(home, 33, 33)
    settings.ERASURE_LEDGER_URL = str(home / "erasures" / "ledger.jsonl")
    place().append(lambda tail: [entry(1).line])
    file = Path(settings.ERASURE_LEDGER_URL)
    for path, mode in ((file.parent, 0o2770), (file, 0o660)):
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (mode, home.stat().st_gid)
        assert path.stat().st_uid == home.stat().st_uid
    refused = PermissionError(13, "Permission denied", str(file))
    monkeypatch.setattr(LineFile, "lines", lambda self: (_ for _ in ()).throw(refused))
    with pytest.raises(LedgerUnreachable, match=rf"{file}.*belongs to .*-rw-rw----.*chgrp -R"):
        lines.read(places.whole())
    settings.ERASURE_LEDGER_URL = "nosuchstore://bucket/ledger"
    with pytest.raises(LedgerUnreachable, match="package of the store"):
        places.place()


def test_a_long_line_and_many_open_entries_are_read_once_and_in_little_memory(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "ledger")
    long = entry(1, padding="x" * 100_000)
    with file.path.open("w") as handle:
        handle.write(f"{long.line}\n")
        before = long
        for number in range(2, 3_000):
            before = entry(number, before.digest)
            handle.write(f"{before.line}\n{Note('done', number, number).line}\n" if number % 2 else f"{before.line}\n")
    counted = Counting(file.path)
    assert sum(len(line) + 1 for line in places._backwards(counted)) == file.path.stat().st_size  # type: ignore[arg-type]
    assert counted.read_bytes < file.path.stat().st_size * 1.1
    tracemalloc.start()
    try:
        numbers = []
        result = lines.read(file.lines(), lambda each: numbers.append(each.number))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(numbers), result.entries) == (2_999, 2_999)
    assert peak < 1_200_000


class Counting:
    """A file that counts what is read of it."""

    def __init__(self, path: Path) -> None:
        self._file, self.read_bytes = path.open("rb"), 0

    def seek(self, *where: int) -> int:
        return self._file.seek(*where)

    def read(self, size: int) -> bytes:
        self.read_bytes += size
        return self._file.read(size)


def test_a_store_that_never_answers_holds_nobody_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retention.stores.PATIENCE", 0.2)
    settings.ERASURE_LEDGER_URL = f"memory://silent-{uuid7()}"
    hang = threading.Event()
    monkeypatch.setattr(MemoryFileSystem, "exists", lambda *args, **kwargs: hang.wait(30))
    monkeypatch.setattr(MemoryFileSystem, "ls", lambda *args, **kwargs: hang.wait(30))
    began = time.monotonic()
    with pytest.raises(LedgerUnreachable):
        places.reachable(place().tail)
    with pytest.raises(LedgerUnreachable):
        lines.read(places.whole())
    settings.BACKUP_URL = settings.ERASURE_LEDGER_URL
    with pytest.raises(OSError, match="does not answer"):
        Copies()
    assert time.monotonic() - began < 5
    hang.set()


@pytest.mark.django_db(transaction=True)
def test_two_who_erase_several_at_once_do_not_wait_for_each_other(ledger: Path) -> None:
    people = [builders.furnish(builders.account(builders.organisation()), events=0) for _number in range(2)]
    both = threading.Barrier(2)

    def work(mine: list[Account]) -> None:
        try:
            with erasure.together(*(Subject.of(account=one.pk) for one in mine)):
                for one in mine:
                    one.refresh_from_db()
                    if one.status != "erased":
                        erase(one)
                    with suppress(threading.BrokenBarrierError):
                        both.wait(0.3)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(work, people), workers.submit(work, people[::-1])]:
            done.result()
    assert Account.objects.filter(status="erased").count() == 2
    assert (rebuilding.verify().entries, rebuilding.verify().problem, gate.look().state) == (3, "", State.OPEN)
