"""Searching everything for payment card numbers, and putting the result into the evidence.

What could go wrong: the search reads every text of every table, minutes on a large database, so it cannot run for a
page view. It runs by command or at night; the board reads the last recorded result and says how old it is.
"""

from datetime import datetime

from django.db import transaction

from crasme.crm import cardscan
from crasme.kit import datamap
from crasme.ledger.models import Entry
from crasme.ledger.services import record
from privacy.verbs import CARDS_SCANNED


def scan(*, actor: str, now: datetime) -> Entry:
    """Search now and record it; the facts are {"at", "tables", "columns", "found"}, never a number and never a row."""
    found = sum(1 for _finding in cardscan.scan())
    tables = datamap.tables()
    with transaction.atomic():
        return record(
            CARDS_SCANNED.name,
            actor=actor,
            at=now,
            tables=len(tables),
            columns=sum(len(cardscan.columns(table.model)) for table in tables),
            found=found,
        )


def last() -> Entry | None:
    """The newest recorded search, by the index on verbs."""
    return Entry.objects.filter(verb=CARDS_SCANNED.name).order_by("-recorded_at").first()
