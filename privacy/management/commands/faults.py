"""`manage.py faults check`: whether anything is as it must never be; ends with 1 when something is."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from privacy.faults import rules, violations


class Command(BaseCommand):
    help = "Check the invariants of all requests."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        check = commands.add_parser("check", help="Print what breaks a rule, by reference; status 1 if anything does.")
        check.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = violations()
        if options["json"]:
            self.stdout.write(json.dumps({"rules": rules(), "violations": [asdict(each) for each in found]}))
        else:
            for each in found:
                self.stdout.write(self.style.ERROR(f"{each.rule:<24} {each.about}"))
            self.stdout.write(f"{len(rules())} rules, {len(found)} violations.")
        if found:
            sys.exit(1)
