"""`manage.py cards scan [--json]`: proves that no payment card number is stored, or says where one lies.

Exit status 0 when nothing was found, 1 otherwise. The numbers themselves are never printed.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _, ngettext

from crasme.crm import cardscan


class Command(BaseCommand):
    help = "Look for payment card numbers in everything that is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        scan = verbs.add_parser("scan", help="Read every text and JSON column of every table.")
        scan.add_argument("--json", action="store_true", help="Print one JSON object a line, one for each finding.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for finding in cardscan.scan():
            found += 1
            if options["json"]:
                self.stdout.write(json.dumps(finding.as_dict()))
            else:
                self.stdout.write(f"{finding.table}.{finding.column}  {finding.row}")
        if found:
            message = ngettext("%(count)d card number is stored.", "%(count)d card numbers are stored.", found)
            raise CommandError(message % {"count": found} + " " + _("Remove it from each row named above."))
        if not options["json"]:
            self.stdout.write(self.style.SUCCESS(_("No card number is stored.")))
