"""`manage.py erasures status | replay [--dry-run] | accept NUMBER | adopt | verify | rebuild --from-database`: after a
restore. What could go wrong: an act that nobody answers for; so `accept` and `adopt` say who did what, and why.
"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crasme.staff import actors
from crasme.staff.models import User
from retention import gate, rebuilding, replay
from retention.errors import RetentionError
from retention.models import ErasureParked

ACTOR = actors.system("replay")


class Command(BaseCommand):
    help = "Say whether this database lacks erasures that were carried out, and carry them out again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="what", required=True, metavar="status|replay|accept|adopt|verify|rebuild")
        status = which.add_parser("status", help="the ledger's end, this database's position, and the gate")
        again = which.add_parser("replay", help="carry out again what this database lacks, and open the gate")
        again.add_argument("--dry-run", action="store_true", help="do it, count it, and roll it back")
        accept = which.add_parser("accept", help="answer for going on without an entry that cannot be carried out")
        accept.add_argument("number", type=int, help="of the entry, as `status` or `replay` name it")
        accept.add_argument("--by", required=True, metavar="ADDRESS", help="the member of staff who answers for it")
        accept.add_argument("--reason", required=True, help="kept for good; names nobody")
        adopt = which.add_parser("adopt", help="take the ledger over: from now on only this database writes to it")
        said = adopt.add_mutually_exclusive_group(required=True)
        said.add_argument(
            "--former-is-stopped",
            action="store_true",
            help="say so: the database that wrote to this ledger is out of service, and is shut from now on",
        )
        said.add_argument(
            "--own-ledger",
            action="store_true",
            help="say so: this is a copy for trials, and ERASURE_LEDGER_URL names a ledger that only it uses",
        )
        verify = which.add_parser("verify", help="read the whole ledger and check its chain")
        for each in (status, again, verify):
            each.add_argument("--json", action="store_true", help="one JSON object")
        rebuild = which.add_parser("rebuild", help="write the entries that the ledger has lost, from this database")
        rebuild.add_argument(
            "--from-database",
            action="store_true",
            required=True,
            help="say so: whatever was erased after this database's own state is not known to it, and is lost",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(**options)
        except RetentionError as error:
            raise CommandError(str(error)) from None

    def _status(self, *, json: bool, **_options: Any) -> None:
        found = gate.look()
        content = {
            "gate": found.state.value,
            "database": found.at.number,
            "ledger": found.head.number if found.head else 0,
            "unsettled": found.unsettled,
            "parked": [_outline(row) for row in ErasureParked.objects.filter(done_at=None)],
        }
        if json:
            self._print(content)
        else:
            self.stdout.write(
                f"The gate is {'open' if found.is_open else 'shut'}. {found.words} {found.remedy}".strip()
            )
            self.stdout.write(
                "The ledger's last entry is {ledger}, the database stands at {database}.".format(**content)
            )
            for row in ErasureParked.objects.filter(done_at=None):
                self.stdout.write("Entry {number} ({act}) is parked: {error}; {answer}.".format(**_outline(row)))
        if not found.is_open:
            raise SystemExit(1)

    def _replay(self, *, dry_run: bool, json: bool, **_options: Any) -> None:
        report = (replay.rehearse if dry_run else replay.replay)(actor=ACTOR, now=timezone.now())
        found = gate.look()
        if json:
            self._print(asdict(report) | {"dry_run": dry_run, "gate": found.state.value})
        else:
            self._say(report, dry_run=dry_run)
            self.stdout.write(
                f"The gate is {'open' if found.is_open else 'shut'}. {found.words} {found.remedy}".strip()
            )
        if not dry_run and not found.is_open:
            raise SystemExit(1)

    def _accept(self, *, number: int, by: str, reason: str, **_options: Any) -> None:
        user = User.objects.filter(email__iexact=by, is_active=True, is_staff=True).first()
        if user is None:
            raise CommandError("No active member of staff has this address.")
        replay.accept(number, reason=reason, actor=user.ref, now=timezone.now())
        self.stdout.write(f"Entry {number} stays parked and is tried again; it shuts the gate no more.")

    def _adopt(self, **_options: Any) -> None:
        before = replay.adopt(actor=ACTOR, now=timezone.now())
        self.stdout.write(f"The ledger was {before}'s and is this database's." if before else "It is ours already.")

    def _say(self, report: replay.Report, *, dry_run: bool) -> None:
        for number in report.parked:
            self.stdout.write(f"Entry {number} could not be carried out and is parked.")
        if not report.entries:
            self.stdout.write("This database lacks no entry of the ledger.")
            return
        acts = ", ".join(f"{number} {act}" for act, number in sorted(report.acts.items()))
        done = "would be carried out" if dry_run else "were carried out"
        self.stdout.write(f"Entries {report.first} to {report.last} {done} again: {acts}.")
        for label, rows in sorted(report.counts.items()):
            self.stdout.write(f"  {label:<32}{rows:>10,} rows")
        self.stdout.write(f"  {'kept by holds':<32}{report.held:>10,} rows")
        self.stdout.write(f"  {'of rows not in this backup':<32}{report.not_there:>10,} entries")

    def _verify(self, *, json: bool, **_options: Any) -> None:
        reading = rebuilding.verify()
        content = {
            "entries": reading.entries,
            "void": reading.void,
            "head": reading.head.number if reading.head else 0,
            "digest": reading.head.digest if reading.head else "",
            "torn": reading.torn,
            "problem": reading.problem,
        }
        if json:
            self._print(content)
        else:
            self.stdout.write(
                "{entries:,} entries stand, {void:,} are void; the last is {head} {digest}".format(**content)
            )
            if reading.torn:
                self.stdout.write(
                    "The last line was never finished: its act was not committed, the next one replaces it."
                )
            self.stdout.write(reading.problem or "The chain is whole.")
        if reading.problem:
            raise SystemExit(1)

    def _rebuild(self, **_options: Any) -> None:
        written = rebuilding.rebuild(actor=ACTOR)
        self.stdout.write(f"{written:,} entries were written to the ledger.")

    def _print(self, content: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(content, sort_keys=True))


def _outline(row: ErasureParked) -> dict[str, Any]:
    answer = (
        f"accepted on {row.accepted_at:%Y-%m-%d} by {row.accepted_by}" if row.accepted_at else "nobody answers for it"
    )
    return {"number": row.number, "act": row.act, "error": row.error, "answer": answer}
