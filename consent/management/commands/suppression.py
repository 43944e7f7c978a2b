"""The suppression list's keys: how many rows need which, and moving rows to the new one. See docs/operations.md."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import peppers
from consent.models.addresses import current_version, versions
from crasme.crm.models import Account


class Command(BaseCommand):
    help = "Say which pepper the suppression list's rows need, or move rows to the current one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=("status", "rehash"))

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        if act == "rehash":
            self.stdout.write(f"{peppers.rehash(_addresses())} rows moved to pepper {current_version()}.")
        lost = 0
        for version, rows in sorted(peppers.standing().items()):
            if version == current_version():
                words = "current"
            elif version in versions():
                words = "still asked" if rows else "may be taken out of SUPPRESSION_PEPPERS"
            else:
                words, lost = "NOT in SUPPRESSION_PEPPERS: these opt-outs are not found", lost + rows
            self.stdout.write(f"pepper {version}: {rows} rows, {words}.")
        if lost:
            raise CommandError(f"{lost} opt-outs cannot be found. Put their pepper back into SUPPRESSION_PEPPERS.")


def _addresses() -> Iterator[str]:
    """Every address that is stored here in a way that can be read."""
    yield from Account.objects.exclude(email="").values_list("email", flat=True).iterator(chunk_size=5_000)
