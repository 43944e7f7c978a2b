"""`manage.py promises [--json] [--scan-cards]`: what the policy promises, asked of the data.

Exit status 1 when a promise is broken, so that a pipeline can stop on it.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from crasme.staff.actors import system
from privacy.promises import Finding, Status, board, cardscan


class Command(BaseCommand):
    help = "Show which promises of the privacy policy are kept, at risk or broken, with one line of evidence each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON array.")
        parser.add_argument("--only", nargs="+", metavar="P8.2", help="Ask for these promises alone.")
        parser.add_argument("--scan-cards", action="store_true", help="First search everything for card numbers.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["scan_cards"]:
            cardscan.scan(actor=system("promises"), now=now)
        findings = board(now, options["only"])
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False))
        else:
            self._table(findings)
        if any(finding.status is Status.BROKEN for finding in findings):
            raise SystemExit(1)

    def _table(self, findings: list[Finding]) -> None:
        styles = {
            Status.KEPT: self.style.SUCCESS,
            Status.AT_RISK: self.style.WARNING,
            Status.BROKEN: self.style.ERROR,
            Status.UNKNOWN: self.style.NOTICE,
            Status.PARTLY: self.style.NOTICE,
        }
        width = max((len(finding.title) for finding in findings), default=0)
        for finding in findings:
            status = styles[finding.status](f"{finding.status.label:<15}")
            self.stdout.write(f"{finding.promise:<6} {status} {finding.title:<{width}}  {finding.evidence}")
        counts = [(sum(finding.status is status for finding in findings), status.label) for status in Status]
        self.stdout.write(", ".join(f"{number} {label}" for number, label in counts))
