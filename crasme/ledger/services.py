"""Writing and checking evidence."""

from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7
from crasme.ledger.errors import LedgerError, UnfitFact, UnknownVerb
from crasme.ledger.models import Entry
from crasme.ledger.registry import known

MAX_FACT_LENGTH = 200


def record(verb: str, *, actor: str, subject: str = "", **facts: Any) -> Entry:
    """Write one entry in the caller's transaction: the fact and its proof live or die together.

    Raises UnknownVerb, UnfitFact, and LedgerError outside a transaction.
    """
    declared = known(verb)
    if declared is None:
        raise UnknownVerb(f"No room registered the verb {verb!r}.")
    if unknown := sorted(set(facts) - declared.facts):
        raise UnfitFact(f"{verb} does not declare the facts {', '.join(unknown)}.")
    if not transaction.get_connection().in_atomic_block:
        raise LedgerError(f"{verb} was recorded outside the transaction of what it proves.")
    plain = {name: _plain(name, value) for name, value in facts.items()}
    entry = Entry(id=uuid7(), recorded_at=timezone.now(), verb=verb, actor=actor, subject=subject, facts=plain)
    entry.digest = digest_of(entry)
    entry.save(force_insert=True)
    return entry


def digest_of(entry: Entry) -> str:
    """SHA-256 in hex over the entry's canonical JSON: sorted keys, no spaces, UTF-8."""
    content = {
        "id": str(entry.id),
        "recorded_at": entry.recorded_at.astimezone(UTC).isoformat(),
        "verb": entry.verb,
        "actor": entry.actor,
        "subject": entry.subject,
        "facts": entry.facts,
    }
    return digest(content)


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
