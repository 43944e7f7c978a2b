"""`manage.py requests clock …`: by when a request would have to be answered, with the rule and source of each date;
`manage.py requests recompute`: the dates of all open requests anew, once a reading of the law has changed.
"""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crasme.staff.actors import system
from privacy.clock.deadlines import Deadlines, deadlines
from privacy.clock.events import Event, Kind
from privacy.clock.regimes import Regime
from privacy.clock.rules import VERSION
from privacy.models import Request
from privacy.services.recompute import recompute


class Command(BaseCommand):
    help = "Reckon deadlines of requests."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        clock = commands.add_parser("clock", help="Print every deadline of a request received on a day.")
        clock.add_argument("--received-on", type=_day, required=True, metavar="DATE", help="where the controller is")
        clock.add_argument("--regime", choices=Regime.values, required=True)
        clock.add_argument(
            "--kind", choices=Request.Kind.values, default=Request.Kind.ACCESS, help="what was asked for"
        )
        clock.add_argument("--extended-on", type=_day, metavar="DATE", help="the day the notice of extension went out")
        clock.add_argument("--json", action="store_true", help="one JSON object")
        commands.add_parser("recompute", help="Derive the dates of all open requests anew from what happened.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["command"] == "recompute":
            changed = recompute(actor=system("clock"))
            self.stdout.write(f"{changed} open requests have other dates now, by the rules {VERSION}.")
            return
        events = [Event(Kind.RECEIVED, options["received_on"])]
        if options["extended_on"]:
            if options["extended_on"] < options["received_on"]:
                raise CommandError("An extension cannot be announced before the request was received.")
            events.append(Event(Kind.EXTENDED, options["extended_on"]))
        found = deadlines(events, options["regime"], kind=options["kind"])
        self.stdout.write(json.dumps(_plain(found)) if options["json"] else _words(found))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no day of the form 2026-01-31") from None


def _plain(found: Deadlines) -> dict[str, Any]:
    return {
        "promise_due": found.promise_due.isoformat(),
        "law_due": found.law_due.isoformat(),
        "effective_due": found.effective_due.isoformat(),
        "rule": found.rules[0].rule,
        "rules": [{"rule": used.rule, "source": used.source, "due": used.due.isoformat()} for used in found.rules],
        "rules_version": found.rules_version,
    }


def _words(found: Deadlines) -> str:
    plain = _plain(found)
    lines = [f"{name:<14} {plain[name]}" for name in ("promise_due", "law_due", "effective_due", "rule")]
    lines += [f"  {used.due}  {used.rule}: {used.source}" for used in found.rules]
    return "\n".join([*lines, f"{'rules_version':<14} {found.rules_version}"])
