"""`manage.py requests clock …`: by when a request must be answered, with the rule and source of each date.

    requests clock --received-on DATE --regime CODE [--kind KIND] [--extended-on DATE] [--json]
    requests clock --reference PR-XXXX-XXXX [--as-of DATE] [--json]
    requests recompute
    requests restriction-selftest
    requests handoff-token --account ID [--kind KIND …] [--language CODE]
    requests receive-mail [--once | --stdin]

The second form replays a stored request's clock: what followed on that day from what had happened by then; `recompute`
derives the dates of all open requests anew, once a reading of the law has changed. `handoff-token`, while DEBUG is on,
stands in for the CRM: it prints the address to which the CRM would send the owner of an account.
`restriction-selftest` tries every door at which a restriction of processing must bite. Receiving mail is described in
`privacy.mailroom.command`.
"""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from crasme.kit.clock import controller_day
from crasme.staff.actors import system
from privacy import handoff, references
from privacy.clock.deadlines import Deadlines, RuleUsed, deadlines
from privacy.clock.events import Event, Kind
from privacy.clock.regimes import Regime
from privacy.clock.rules import VERSION
from privacy.mailroom import command as mailroom
from privacy.models import Request
from privacy.services import clock as clocks, doorcheck
from privacy.services.recompute import recompute


class Command(BaseCommand):
    help = "Reckon deadlines of requests, receive mail, and try what keeps restricted accounts from being used."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        clock = commands.add_parser(
            "clock", help="Print every deadline, of a request received on a day or of a stored one."
        )
        which = clock.add_mutually_exclusive_group(required=True)
        which.add_argument("--received-on", type=_day, metavar="DATE", help="where the controller is")
        which.add_argument("--reference", metavar="PR-XXXX-XXXX", help="a stored request, with all that happened to it")
        clock.add_argument("--regime", choices=Regime.values)
        clock.add_argument(
            "--kind", choices=Request.Kind.values, default=Request.Kind.ACCESS, help="what was asked for"
        )
        clock.add_argument("--extended-on", type=_day, metavar="DATE", help="the day the notice of extension went out")
        clock.add_argument("--as-of", type=_day, metavar="DATE", help="how a stored request's dates looked on that day")
        clock.add_argument("--json", action="store_true", help="one JSON object")
        token = commands.add_parser("handoff-token", help="Print a signed hand-off of an account (DEBUG only).")
        token.add_argument("--account", type=UUID, required=True, metavar="ID")
        token.add_argument("--kind", action="append", choices=Request.Kind.values, default=[], dest="kinds")
        token.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES], default="")
        commands.add_parser("recompute", help="Derive the dates of all open requests anew from what happened.")
        commands.add_parser("restriction-selftest", help="Try every door at which a restriction must bite.")
        mailroom.add_arguments(commands.add_parser("receive-mail", help="Take mail from the mailbox of IMAP_URL."))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["command"] == "receive-mail":
            mailroom.run(self, once=options["once"], stdin=options["stdin"])
            return
        if options["command"] == "restriction-selftest":
            self._try_doors()
            return
        if options["command"] == "recompute":
            changed = recompute(actor=system("clock"))
            whose = "1 open request has" if changed == 1 else f"{changed} open requests have"
            self.stdout.write(f"{whose} other dates now, by the rules {VERSION}.")
            return
        if options["command"] == "handoff-token":
            self.stdout.write(_handed_over(options["account"], kinds=options["kinds"], language=options["language"]))
            return
        found, events = _stored(options) if options["reference"] else _supposed(options)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(found) | ({"events": _listed(events)} if options["reference"] else {})))
        else:
            self.stdout.write(_words(found, events if options["reference"] else []))

    def _try_doors(self) -> None:
        """Exit code 1 when a restricted account comes through, or when a try proves nothing."""
        tried = doorcheck.check(timezone.now())
        for each in tried:
            self.stdout.write(f"{_standing(each):<9} {each.door}")
        if not all(each.is_shut for each in tried):
            raise CommandError("A restriction does not hold everywhere: see the doors that are not “refused”.")


def _handed_over(account: UUID, **claims: Any) -> str:
    if not settings.DEBUG:
        raise CommandError("Only the CRM hands people over. While DEBUG is on, this command can stand in for it.")
    token = handoff.sign(account, key=handoff.local_key(), name=handoff.LOCAL, now=timezone.now(), **claims)
    return f"{settings.SITE_URL}{reverse('request-handoff')}?token={token}"


def _supposed(options: dict[str, Any]) -> tuple[Deadlines, list[Event]]:
    """A request that nobody has to have made."""
    if not options["regime"]:
        raise CommandError("--received-on needs --regime: say whose law applies, or “other” if nobody knows.")
    if options["as_of"]:
        raise CommandError("--as-of replays a stored request: name it with --reference.")
    events = [Event(Kind.RECEIVED, options["received_on"])]
    if options["extended_on"]:
        if options["extended_on"] < options["received_on"]:
            raise CommandError("An extension cannot be announced before the request was received.")
        events.append(Event(Kind.EXTENDED, options["extended_on"]))
    return deadlines(events, options["regime"], kind=options["kind"]), events


def _stored(options: dict[str, Any]) -> tuple[Deadlines, list[Event]]:
    if options["regime"] or options["extended_on"]:
        raise CommandError("A stored request knows its law and what happened: leave out --regime and --extended-on.")
    request = Request.objects.filter(reference=references.normalise(options["reference"])).first()
    if request is None:
        raise CommandError("There is no request of this reference.")
    as_of = options["as_of"] or controller_day(timezone.now())
    if as_of < request.received_on:
        raise CommandError(f"It was received on {request.received_on}; before that it had no deadlines.")
    return clocks.replay(request, as_of), [event for event in clocks.events_of(request) if event.on <= as_of]


def _standing(tried: doorcheck.Tried) -> str:
    if tried.is_shut:
        return "refused"
    return "OPEN" if tried.restricted else "unproven"


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
        "acknowledge_due": found.acknowledge.due.isoformat() if found.acknowledge else None,
        "rule": found.rules[0].rule,
        "rules": [
            {"rule": used.rule, "source": used.source, "due": used.due.isoformat(), "for": why}
            for why, used in _used(found)
        ],
        "rules_version": found.rules_version,
    }


def _used(found: Deadlines) -> list[tuple[str, RuleUsed]]:
    """Every rule, the one that decides the answer first, with what it is about."""
    answers = [("promise" if used.promised else "law", used) for used in found.rules]
    return [*answers, ("acknowledge", found.acknowledge)] if found.acknowledge else answers


def _listed(events: list[Event]) -> list[dict[str, Any]]:
    return [{"event": str(event.kind), "on": event.on.isoformat(), **event.facts} for event in events]


def _words(found: Deadlines, events: list[Event]) -> str:
    plain = _plain(found)
    names = ("promise_due", "law_due", "effective_due", "acknowledge_due", "rule")
    lines = [f"  {event.on}  {event.kind}" for event in events]
    lines += [f"{name:<15} {plain[name]}" for name in names if plain[name]]
    lines += [f"  {used.due}  {used.rule}: {used.source}" for _why, used in _used(found)]
    return "\n".join([*lines, f"{'rules_version':<15} {found.rules_version}"])
