"""The ledger outside of the database: its chain, its entries, and what a crash leaves at each boundary."""

import json
import os
import stat
import threading
import time
import tracemalloc
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from fsspec.implementations.memory import MemoryFileSystem
from pytest_django import Settings

from crasme.crm.models import Account, Contact
from crasme.kit.datamap import Subject
from crasme.kit.ids import uuid7
from crasme.ledger.models import Entry as EvidenceEntry
from retention import erasure, gate, holds, rebuilding, replay, services
from retention.copies import Copies
from retention.errors import GateShut, LedgerBroken, LedgerUnreachable, ReplayImpossible
from retention.gate import State
from retention.models import ErasureEntry, ErasureHead, ErasureParked
from retention.outside import lines, places, writing
from retention.outside.lines import Entry, Note
from retention.outside.places import LineFile, place
from tests.retention import builders
from tests.retention.builders import NOW

ACTOR = "staff:00000000-0000-7000-8000-000000000001"


@pytest.fixture
def ledger(settings: Settings, tmp_path: Path) -> Path:
    settings.ERASURE_LEDGER_URL = str(tmp_path / "ledger.jsonl")
    return Path(settings.ERASURE_LEDGER_URL)


def erase(account: Account) -> erasure.Outcome:
    of = Subject.of(account=account.pk, email=account.email)
    return erasure.erase(of, plan_hash=erasure.preview(of, NOW).hash, actor=ACTOR, now=NOW)


def entries(path: Path) -> list[dict[str, object]]:
    """Every one but the first, which says whose the ledger is."""
    first, *others = [line for text in path.read_text().splitlines() if "n" in (line := json.loads(text))]
    assert (first["n"], first["act"], first["home"]) == (1, "adopt", ErasureHead.objects.get().home)
    return others


def entry(number: int, prev: str = "", **content: object) -> Entry:
    return Entry.made(number, {"act": "expiry", "server": "x", "xid": "1", **content}, prev)


def written(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]


def whole(forwards: Iterable[bytes]) -> tuple[lines.Reading, list[Entry]]:
    found: list[Entry] = []
    return lines.read(forwards, found.append), found


# --- the chain, without a database -----------------------------------------------------------------------------------
def test_whatever_is_changed_cut_out_or_put_in_is_noticed() -> None:
    one = entry(1)
    two = entry(2, one.digest)
    void, three = entry(3, two.digest), entry(4, two.digest)
    ledger = [one.line, Note("done", 1, 1).line, two.line, void.line, Note("void", 3, 3).line, three.line]
    good, standing = whole(written(*ledger))
    assert (good.problem, [each.number for each in standing], good.entries, good.void) == ("", [1, 2, 4], 3, 1)
    for place_ in (0, 2, 4):
        assert lines.read(written(*ledger[:place_], *ledger[place_ + 1 :])).problem, f"without line {place_}"
    for text in (ledger[0], ledger[1], ledger[4]):
        changed = text.replace('"n":1', '"n":7').replace("[1,1]", "[1,2]").replace("[3,3]", "[2,3]")
        assert lines.read(written(*[changed if each == text else each for each in ledger])).problem, text
    notes_too_many = (Note("done", 3, 3).line, Note("void", 2, 2).line)
    for more in (entry(5, one.digest).line, two.line, "no line of ours", *notes_too_many):
        assert lines.read(written(*ledger, more)).problem, more
    assert lines.read(written(*ledger, "no line of ours")).problem.endswith("It is line 7.")
    with pytest.raises(LedgerBroken):
        lines.tail(written(Note("done", 1, 10**9).line))


def test_the_end_is_read_back_to_what_is_certain_and_no_further(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "ledger")
    assert file.tail() == lines.Tail()
    one = entry(1, padding="x" * 200_000)  # longer than one block that is read
    two = entry(2, one.digest)
    three, four = entry(3, two.digest), entry(4, two.digest)
    file.append(lambda tail: [one.line, two.line, Note("done", 1, 2).line, three.line])
    assert (file.tail().certain, file.tail().open, file.tail().last_number) == (two, (three,), 3)
    file.append(lambda tail: [Note("void", 3, 3).line, four.line])
    assert (file.tail().head, file.tail().open, file.tail().last_number) == (four, (four,), 4)
    # A piece of a line, as a crash leaves it, counts for nothing and is gone with the next writing.
    before = file.path.read_bytes()
    with file.path.open("ab") as handle:
        handle.write(b'{"n":5,"act":"exp')
    assert file.torn()
    assert file.tail().head == four
    file.append(lambda tail: [Note("done", 4, 4).line])
    assert file.path.read_bytes() == before + Note("done", 4, 4).line.encode() + b"\n"
    assert oct(file.path.stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("url", ["memory://ledger-{}", "{}/objects.jsonl"])
def test_a_file_and_an_object_store_keep_the_same_ledger(url: str, settings: Settings, tmp_path: Path) -> None:
    settings.ERASURE_LEDGER_URL = url.format(uuid7() if url.startswith("memory") else tmp_path)
    one, two = entry(1), entry(2, entry(1).digest)
    place().append(lambda tail: [one.line])
    places._place.cache_clear()  # another host
    other = place()
    other.append(lambda tail: [two.line, Note("done", 1, 1).line] if tail.head == one else [])
    assert other.tail().standing == [one, two]
    other.append(lambda tail: [])
    assert [each.digest for each in whole(other.lines())[1]] == [one.digest, two.digest]


# --- entries of real acts --------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_an_entry_names_nobody_and_leads_to_every_row(ledger: Path) -> None:
    leaver = builders.furnish(builders.account())
    colleague = builders.furnish(builders.account(leaver.organisation))
    mention = builders.invoice(colleague, NOW.date(), billed_email=leaver.email)
    erase(leaver)
    (line,) = entries(ledger)
    assert line["subject"] == {"account": [str(leaver.pk)]}
    assert line["rows"] == {"crm.invoice": [str(mention.pk)]}
    assert line["policy"]["crm.invoice"] == {"change": ["billed_email"]}  # type: ignore[index]
    assert leaver.email not in ledger.read_text()
    assert leaver.full_name not in ledger.read_text()
    assert [row.line for row in ErasureEntry.objects.order_by("number")] == ledger.read_text().splitlines()
    assert ErasureHead.objects.get().digest == line["digest"]


@pytest.mark.django_db
def test_an_expiry_of_many_is_one_entry_and_holds_have_theirs(ledger: Path) -> None:
    gone = [builders.account(closed=NOW.replace(month=1)) for _number in range(3)]
    kept = builders.account(closed=NOW.replace(month=1))
    hold = builders.hold(holds.account(kept.pk))
    services.run_rule(builders.rule("account-closed"), now=NOW, actor="system:test")
    holds.release(hold, actor="staff:test", now=NOW)
    first, expired, last = entries(ledger)
    assert (first["act"], last["act"], first["hold"], last["hold"]) == ("hold", "release", str(hold.pk), str(hold.pk))
    assert "M-17" not in ledger.read_text()
    assert set(expired["subject"]["account"]) == {str(account.pk) for account in gone}  # type: ignore[index]
    assert rebuilding.verify().problem == ""
    assert gate.look().state is State.OPEN


# --- crashes ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_was_rolled_back_is_void_and_its_number_is_not_used_again(ledger: Path) -> None:
    leaver = builders.furnish(builders.account())
    with transaction.atomic():
        erase(leaver)
        transaction.set_rollback(True)
    assert Contact.objects.filter(owner=leaver).exists()
    assert gate.look().state is State.OPEN
    assert gate.look().unsettled == 2
    assert writing.settle() == 2
    assert gate.look().unsettled == 0
    erase(leaver)
    assert ErasureHead.objects.get().number == 4
    assert (rebuilding.verify().problem, rebuilding.verify().entries, rebuilding.verify().void) == ("", 2, 2)


# --- the gate --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_fresh_installation_is_open_and_every_mismatch_shuts(ledger: Path, settings: Settings) -> None:
    assert gate.look().state is State.OPEN
    first, second = builders.furnish(builders.account()), builders.furnish(builders.account())
    erase(first)
    before = ledger.read_bytes()
    at = ErasureHead.objects.get()
    erase(second)
    whole = ledger.read_bytes()
    states = {}
    for name, content in (("gone", None), ("cut", before), ("changed", whole[:-9] + b"00000000\n")):
        ledger.unlink(missing_ok=True)
        if content is not None:
            ledger.write_bytes(content)
        states[name] = gate.look().state
    assert states == {"gone": State.MISSING, "cut": State.CUT, "changed": State.BROKEN}
    gate.forget()
    with pytest.raises(LedgerBroken):
        erase(builders.furnish(builders.account()))
    ledger.write_bytes(before)
    with pytest.raises(GateShut):
        erase(builders.furnish(builders.account()))
    with pytest.raises(GateShut):
        services.run_due(NOW)
    ledger.write_bytes(whole)
    ErasureHead.objects.update(number=at.number, digest=at.digest)
    assert gate.look().state is State.OPEN, "an entry whose transaction is not over"
    place().append(lambda tail: [Note("done", 1, 3).line])
    assert gate.look().state is State.BEHIND
    ErasureHead.objects.update(number=3, digest="0" * 64)
    assert gate.look().state is State.ANOTHER
    settings.ERASURE_LEDGER_URL = "file:///proc/version/ledger.jsonl"
    assert gate.look().state is State.UNREACHABLE


@pytest.mark.django_db
def test_the_answer_is_remembered_and_costs_microseconds(ledger: Path) -> None:
    gate.forget()
    assert gate.is_open()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retention.gate.look", lambda *args: pytest.fail("it asked again"))
        for _number in range(10_000):
            assert gate.is_open()


@pytest.mark.django_db
def test_a_ledger_that_is_away_for_a_moment_shuts_nothing_unless_the_database_went_back(
    ledger: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retention.gate._known", gate._Known())
    erase(builders.furnish(builders.account()))
    assert gate.is_open()
    settings.ERASURE_LEDGER_URL = "file:///proc/version/ledger.jsonl"
    gate._new_connection()
    assert (gate.look().state, gate.is_open()) == (State.UNREACHABLE, True)
    at = ErasureHead.objects.get()
    ErasureHead.objects.update(number=0, digest="")
    gate._new_connection()
    assert not gate.is_open()
    ErasureHead.objects.update(number=at.number, digest=at.digest)
    later = time.monotonic() + gate.WITHOUT_LEDGER + 1
    monkeypatch.setattr("retention.gate.time.monotonic", lambda: later)
    assert not gate.is_open(), "for ever it is not"
    assert not gate.is_patient(gate.look())


@pytest.mark.django_db
def test_a_crowd_before_a_shut_gate_does_not_ask_each_by_itself(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    shut = gate.Look(State.BEHIND, gate.look().at, None)
    monkeypatch.setattr("retention.gate.look", lambda *_args: asked.append(1) or shut)
    gate.forget()
    assert not any(gate.is_open() for _number in range(100))
    assert len(asked) == 1
    later = time.monotonic() + gate.SHUT_FOR
    monkeypatch.setattr("retention.gate.time.monotonic", lambda: later)
    assert not gate.is_open()
    assert len(asked) == 2, "the gate may be open again"


@pytest.mark.django_db
def test_a_lost_ledger_is_made_again_from_the_database(ledger: Path) -> None:
    for _number in range(2):
        erase(builders.furnish(builders.account()))
    before = entries(ledger)
    ledger.unlink()
    with pytest.raises((CommandError, SystemExit)):
        call_command("erasures", "rebuild")
    call_command("erasures", "rebuild", "--from-database")
    assert entries(ledger) == before
    assert gate.look().state is State.OPEN
    ledger.write_text(f"{entry(1).line}\n")
    with pytest.raises(CommandError, match="not the beginning"):
        call_command("erasures", "rebuild", "--from-database")


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


@pytest.mark.django_db(transaction=True)
def test_workers_that_erase_at_once_write_one_chain(ledger: Path) -> None:
    leavers = [builders.furnish(builders.account(builders.organisation()), events=0) for _number in range(8)]

    def work(mine: list[Account]) -> None:
        try:
            for leaver in mine:
                erase(leaver)
                assert gate.look().state is State.OPEN, "whatever the others are at"
                writing.settle()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(work, leavers[number::4]) for number in range(4)]:
            done.result()
    found = rebuilding.verify()
    assert (found.problem, found.entries, found.head and found.head.number) == ("", 9, 9)
    assert gate.look().unsettled == 0
    assert Account.objects.filter(status="erased").count() == 8
    assert list(ErasureEntry.objects.order_by("number").values_list("digest", flat=True)) == [
        each.digest for each in whole(place().lines())[1]
    ]
