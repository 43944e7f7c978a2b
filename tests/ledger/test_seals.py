"""The ledger sealed: every entry once, in one order, and whatever was changed afterwards is found and named."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from crasme.kit import merkle
from crasme.kit.canonical import digest
from crasme.ledger import metrics, seals, signing
from crasme.ledger.models import Entry, Leaf, Seal
from crasme.ledger.services import gathered, record
from crasme.ledger.tasks import seal
from privacy import verbs

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def entries(number: int) -> list[Entry]:
    with transaction.atomic(), gathered():
        return [record(verbs.NOTED.name, actor="staff:test", note=f"n{each}") for each in range(number)]


def found(now: datetime | None = None, **known: tuple[int, str]) -> list[str]:
    return [f"{each.seal} {each.words}" for each in seals.verify(now or timezone.now(), **known)]


def by_force(sql: str, *values: object) -> None:
    """As somebody does who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.django_db
def test_each_entry_is_sealed_once_and_can_be_shown_to_be_there(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    seals.seal(NOW)  # what the migrations recorded, if anything
    before = Seal.objects.count()
    assert seal() == 0
    monkeypatch.setattr(seals, "AT_MOST", 5)
    written = entries(13)
    assert seals.proof(written[0].pk) is None
    call_command("ledger", "seal")
    assert [one.entries for one in Seal.objects.order_by("number")][before:] == [5, 5, 3]
    assert found() == []
    for entry in written:
        proof = seals.proof(entry.pk)
        assert proof is not None
        assert seals.proves(proof, entry=entry.digest)
        assert not seals.proves(proof, entry="0" * 64)
        assert not seals.proves(proof | {"entries": 6}, entry=entry.digest)
    assert seals.head() == {name: value for name, value in proof.items() if name != "path"}
    waiting = entries(1)[0].pk
    for refused in (
        "UPDATE ledger_seal SET entries = 1",
        "DELETE FROM ledger_seal",
        "UPDATE ledger_leaf SET place = place + 9 WHERE seal_id IS NOT NULL",
        "UPDATE ledger_leaf SET seal_id = NULL, place = NULL WHERE seal_id IS NOT NULL",
        f"UPDATE ledger_leaf SET entry = gen_random_uuid() WHERE entry = '{waiting}'",
        f"DELETE FROM ledger_leaf WHERE entry = '{waiting}'",
        "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE ledger_leaf",
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(refused)
    # An entry that commits late has an old number, and is sealed all the same.
    late = Entry(id="01890000-0000-7000-8000-000000000000", recorded_at=NOW, verb="a", actor="b", digest="c" * 64)
    late.save(force_insert=True)
    assert Leaf.objects.get(entry=late.pk).seal is None
    (one,) = seals.seal(NOW)
    assert one.previous == Seal.objects.get(number=one.number - 1).digest
    capsys.readouterr()
    with pytest.raises(SystemExit):
        call_command("ledger", "verify", known=(one.number, "f" * 64))
    said = capsys.readouterr().out
    assert f"seal {one.number} entry {late.pk}: The entry is not the one that was written." in said
    assert f"seal {one.number}: It is not the one that was kept outside." in said
    for wrong in (
        "0:" + "f" * 64,
        f"{one.number}:" + "z" * 64,
        "f" * 64,
    ):  # neither passed over nor taken for a forgery
        with pytest.raises(CommandError, match="is not a seal's number"):
            call_command("ledger", "verify", f"--known={wrong}")
    assert found(known=(99, "f" * 64))[-1] == "99 A seal that was kept outside is not here."
    # After an exchange of keys old seals hold as long as the former key is named.
    key = signing.public_key(seals.PURPOSE)
    settings.SUBJECT_KEY = b"another" * 5
    assert any("none of ours" in words for words in found())
    settings.FORMER_KEYS = {seals.PURPOSE: [bytes.fromhex(key)]}
    assert not any("none of ours" in words for words in found())


FORGERIES: dict[str, tuple[Callable[[Entry, Seal], object], list[str]]] = {
    "an entry is changed": (
        lambda entry, _seal: by_force("UPDATE ledger_entry SET actor = 'x' WHERE id = %s", entry.pk),
        ["2 The entry is not the one that was written."],
    ),
    "an entry is changed with its digest": (
        lambda entry, _seal: by_force("UPDATE ledger_entry SET digest = %s WHERE id = %s", "0" * 64, entry.pk),
        ["2 The entry is not the one that was written.", "2 Its 3 entries are not those that were sealed."],
    ),
    "an entry is taken out": (
        lambda entry, _seal: by_force("DELETE FROM ledger_entry WHERE id = %s", entry.pk),
        ["2 The entry is gone.", "2 Its 3 entries are not those that were sealed."],
    ),
    "an entry is taken out with its place": (
        lambda entry, _seal: by_force(
            "WITH gone AS (DELETE FROM ledger_entry WHERE id = %s RETURNING id)"
            " DELETE FROM ledger_leaf WHERE entry IN (SELECT id FROM gone)",
            entry.pk,
        ),
        ["2 Its 3 entries are not those that were sealed."],
    ),
    "two change places": (
        lambda entry, _seal: by_force("UPDATE ledger_leaf SET place = 9 WHERE entry = %s", entry.pk),
        ["2 Its 3 entries are not those that were sealed."],
    ),
    "a place is taken away": (
        lambda entry, _seal: by_force("DELETE FROM ledger_leaf WHERE entry = %s", entry.pk),
        ["2 Its 3 entries are not those that were sealed.", "0 The entry is noted for no seal."],
    ),
    "a seal is taken out": (
        lambda _entry, seal: by_force("DELETE FROM ledger_seal WHERE number = %s", seal.number),
        ["2 The seals from 2 to 2 are gone.", "3 It is not tied to the seal before it."],
    ),
    "a seal is dated back": (
        lambda _entry, seal: by_force("UPDATE ledger_seal SET sealed_at = '2020-01-01Z' WHERE number = 2"),
        ["2 Its content does not give its digest.", "2 The signature is not one over it."],
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORGERIES)
def test_whatever_is_changed_is_found_and_named(name: str) -> None:
    chosen = None
    seals.seal(NOW)  # what the migrations recorded, if anything
    while (number := Seal.objects.count()) < 3:
        first = entries(3)[0]
        seals.seal(NOW)
        chosen = first if number == 1 else chosen
    assert chosen is not None
    forge, expected = FORGERIES[name]
    forge(chosen, Seal.objects.get(number=2))
    assert found() == expected


@pytest.mark.django_db
def test_what_nobody_seals_is_reported_after_an_hour() -> None:
    seals.seal(NOW)
    assert metrics.unsealed() == 0
    (entry,) = entries(1)
    assert 0 < metrics.unsealed() < 60
    assert found() == []
    (words,) = found(entry.recorded_at + seals.LATE + timedelta(seconds=1))
    assert "nobody seals" in words


@pytest.mark.django_db(transaction=True)
def test_two_sealers_give_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "AT_MOST", 7)
    entries(60)

    def work() -> None:
        seals.seal(NOW)
        connection.close()

    threads = [threading.Thread(target=work) for _worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    assert Leaf.objects.filter(seal=None).count() == 0
    assert sum(one.entries for one in Seal.objects.all()) == Entry.objects.count()
    assert found() == []
    assert digest(seals.contents(Seal.objects.get(number=1))) == Seal.objects.get(number=2).previous
    assert merkle.whole([]) == ""
