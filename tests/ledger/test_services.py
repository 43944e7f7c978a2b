"""Entries live and die with what they prove, one by one or gathered."""

from unittest import mock

import pytest
from django.db import transaction

from crasme.ledger import services
from crasme.ledger.errors import LedgerError
from crasme.ledger.models import Entry
from crasme.ledger.services import digest_of, gathered, record
from privacy import verbs


def note(note: str) -> Entry:
    return record(verbs.NOTED.name, actor="staff:test", note=note)


def note_and_fail() -> None:
    note("goes")
    raise ZeroDivisionError


def kept() -> list[str]:
    return list(Entry.objects.filter(verb=verbs.NOTED.name).order_by("id").values_list("facts__note", flat=True))


@pytest.mark.django_db
def test_an_entry_is_stored_as_it_was_digested() -> None:
    entry = record(verbs.NOTED.name, actor="staff:test", subject="request:0", note="ü%s\\n")
    stored = Entry.objects.get(pk=entry.pk)
    assert stored.facts == {"note": "ü%s\\n"}
    assert stored.digest == digest_of(stored) == entry.digest
    assert not entry._state.adding


@pytest.mark.django_db
def test_gathered_entries_are_stored_by_one_statement_in_their_order() -> None:
    with mock.patch.object(services, "executed", wraps=services.executed) as executed, gathered():
        note("first")
        note("second")
        assert kept() == []
    assert executed.call_count == 1
    assert kept() == ["first", "second"]


@pytest.mark.django_db
def test_what_is_rolled_back_takes_its_entries_along() -> None:
    with gathered():
        note("stays")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            note_and_fail()
    assert kept() == ["stays"]
    with pytest.raises(ZeroDivisionError), gathered():
        note_and_fail()
    assert kept() == ["stays"]


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_recorded() -> None:
    with pytest.raises(LedgerError):
        note("alone")
    with pytest.raises(LedgerError), gathered():
        pass
