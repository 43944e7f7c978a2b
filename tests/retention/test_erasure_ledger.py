"""The ledger outside of the database: its chain, its entries, and what a crash leaves at each boundary."""

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from pytest_django import Settings

from crasme.crm.models import Account, Contact
from crasme.kit.ids import uuid7
from retention import gate, holds, rebuilding, services
from retention.errors import GateShut, LedgerBroken
from retention.gate import State
from retention.models import ErasureEntry, ErasureHead
from retention.outside import lines, places, writing
from retention.outside.lines import Entry, Note
from retention.outside.places import LineFile, place
from tests.retention import builders
from tests.retention.builders import NOW
from tests.retention.ledgers import entry, erase, ledger

__all__ = ["ledger"]


def entries(path: Path) -> list[dict[str, object]]:
    """Every one but the first, which says whose the ledger is."""
    first, *others = [line for text in path.read_text().splitlines() if "n" in (line := json.loads(text))]
    assert (first["n"], first["act"], first["home"]) == (1, "adopt", ErasureHead.objects.get().home)
    return others


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
