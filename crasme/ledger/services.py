"""Writing and checking evidence.

What could go wrong: an entry without its fact, or a fact without its entry. So an entry is written in the transaction
of what it proves, and a part of it that is rolled back takes its entries along, gathered or not.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7
from crasme.kit.statements import executed
from crasme.ledger.errors import LedgerError, UnfitFact, UnknownVerb
from crasme.ledger.models import Entry
from crasme.ledger.registry import known

MAX_FACT_LENGTH = 200


@dataclass(slots=True)
class _Gathered:
    """Entries that wait for the end of a block; `depth` is the number of savepoints that were open at its start."""

    depth: int
    entries: list[Entry] = field(default_factory=list)


_gathered: ContextVar[_Gathered | None] = ContextVar("gathered", default=None)
# A list a column: the same statement for any number of entries.
_INSERT = (
    f"INSERT INTO {Entry._meta.db_table} (id, recorded_at, verb, actor, subject, facts, digest)"  # noqa: S608
    " SELECT * FROM unnest("
    "%s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[]::jsonb[], %s::text[])"
)


def record(verb: str, *, actor: str, subject: str = "", **facts: Any) -> Entry:
    """Write one entry in the caller's transaction: the fact and its proof live or die together.

    Raises UnknownVerb, UnfitFact, and LedgerError outside a transaction.
    """
    declared = known(verb)
    if declared is None:
        raise UnknownVerb(f"No room registered the verb {verb!r}.")
    if unknown := sorted(set(facts) - declared.facts):
        raise UnfitFact(f"{verb} does not declare the facts {', '.join(unknown)}.")
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise LedgerError(f"{verb} was recorded outside the transaction of what it proves.")
    plain = {name: _plain(name, value) for name, value in facts.items()}
    entry = Entry(id=uuid7(), recorded_at=timezone.now(), verb=verb, actor=actor, subject=subject, facts=plain)
    entry.digest = digest_of(entry)
    waiting = _gathered.get()
    # Within a savepoint of its own an entry may yet be rolled back alone, so it does not wait for the block's end.
    if waiting is not None and waiting.depth == len(connection.savepoint_ids):
        waiting.entries.append(entry)
    else:
        _store([entry])
    return entry


@contextmanager
def gathered() -> Iterator[None]:
    """Entries recorded in this block, which lies within one transaction, are stored by one statement at its end."""
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise LedgerError("Entries can only be gathered within the transaction of what they prove.")
    waiting = _Gathered(len(connection.savepoint_ids))
    token = _gathered.set(waiting)
    try:
        yield
    finally:
        _gathered.reset(token)
    if waiting.entries:
        _store(waiting.entries)


def _store(entries: list[Entry]) -> None:
    """By plain SQL: putting the same statement together anew each time takes longer than running it."""
    columns = (
        [entry.id for entry in entries],
        [entry.recorded_at for entry in entries],
        [entry.verb for entry in entries],
        [entry.actor for entry in entries],
        [entry.subject for entry in entries],
        [json.dumps(entry.facts, ensure_ascii=False) for entry in entries],
        [entry.digest for entry in entries],
    )
    with executed(_INSERT, columns):
        pass
    for entry in entries:
        entry._state.adding, entry._state.db = False, transaction.get_connection().alias


def digest_of(entry: Entry) -> str:
    """SHA-256 in hex over the entry's canonical JSON: sorted keys, no spaces, UTF-8."""
    return digest(contents(entry))


def contents(entry: Entry) -> dict[str, Any]:
    """What the digest is taken of, as JSON holds it."""
    return {
        "id": str(entry.id),
        "recorded_at": entry.recorded_at.astimezone(UTC).isoformat(),
        "verb": entry.verb,
        "actor": entry.actor,
        "subject": entry.subject,
        "facts": entry.facts,
    }


def _plain(name: str, value: Any) -> Any:
    """The JSON form of a fact; refuses what could be, or hide, personal data."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal | UUID):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(name, item) for item in value]
    if isinstance(value, str):
        if "@" in value or len(value) > MAX_FACT_LENGTH:
            raise UnfitFact(f"The fact {name!r} could carry personal data; record a count, a slug or a digest.")
        return str(value)
    raise UnfitFact(f"The fact {name!r} is a {type(value).__name__}; record a count, a slug, an id or a digest.")
