"""The sections of the demo, in the order in which they stand on each other.

What is done already is read from the ledger, not guessed from the tables: retention empties tables again, and a run
that was cut off leaves rows behind.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from crasme.crm.models import Account
from crasme.demo import (
    backups,
    cards,
    choices,
    customers,
    holds,
    invoices,
    mails,
    marketing,
    others,
    requests,
    staff,
    usage,
)
from crasme.demo.plan import Counts, Demo, Draw
from crasme.ledger.models import Entry
from crasme.ledger.services import record
from crasme.staff import demo as demo_people
from crasme.staff.actors import system
from crasme.verbs import DEMO_FILLED


@dataclass(frozen=True, slots=True)
class Section:
    """`in_chunks`: it commits as it goes, and a second call of `make` goes on where the first one stopped."""

    title: str
    make: Callable[[Demo, Draw], Counts]
    in_chunks: bool = False

    def is_done(self) -> bool:
        return self.title in done()

    def fill(self, demo: Demo, draw: Draw) -> Counts:
        """Make it and note that it is made; cut off anywhere, it is either whole or can be called again."""
        if self.in_chunks:
            counts = self.make(demo, draw)
            with transaction.atomic():
                self._note(demo, counts)
            return counts
        with transaction.atomic():
            counts = self.make(demo, draw)
            self._note(demo, counts)
        return counts

    def _note(self, demo: Demo, counts: Counts) -> None:
        rows = sum(counts.values())
        record(DEMO_FILLED.name, actor=system("demo"), section=self.title, rows=rows, seed=demo.seed)


SECTIONS = (
    Section("staff", staff.make),
    Section("customers", customers.make),
    Section("usage", usage.make, in_chunks=True),
    Section("invoices", invoices.make),
    Section("choices", choices.make),
    Section("holds", holds.make),
    Section("backups", backups.make),
    Section("requests", requests.make),
    Section("others", others.make),
    Section("mail", mails.make),
    Section("marketing", marketing.make),
    Section("card scan", cards.make),
)


def done() -> set[str]:
    """Titles of the sections that are made."""
    entries = Entry.objects.filter(verb=DEMO_FILLED.name)
    return set(entries.values_list("facts__section", flat=True))


def has_accounts_of_others() -> bool:
    """Whether the database holds accounts that the demo did not make; it must not be mixed with those."""
    present = Account.objects.present()
    if "customers" not in done():
        return present.exists()
    return present.exclude(email__endswith=demo_people.DOMAIN).exists()
