"""`manage.py retention plan [--at DATE] [--json] | run | explain LABEL ID… | explain LABEL --all [--json|--csv] |
prove RUN | check FILE | anonymity LABEL`: what ends when, why something stays, what went, whether a certificate holds
together, and whether what was anonymised is anonymous."""

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, time as clock_time
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from crasme.kit.sheets import csv_writer
from retention import certificate, proof, services, wording
from retention.errors import RetentionError
from retention.explanation import Verdict
from retention.models import Run

COMMAND: Final = "system:command"
EVERY: Final = 2.0  # seconds between two lines about a run that is at work


class Teller:
    """Says how far a run is, not more often than people can read."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.write, self.last = write, time.monotonic()

    def __call__(self, run: Run) -> None:
        if time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            done = f"{run.rows_total:>12,} of {run.rows_due:,} rows ({run.share_done} %)"
            self.write(f"{run.rule.slug:<24}{done}  {wording.left(run)}".rstrip())


class Command(BaseCommand):
    help = "Show what retention would end, end what is due, or explain why rows are still here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="what", required=True, metavar="plan|run|explain|prove|check|anonymity")
        plan = which.add_parser("plan", help="count what would end, now or on a day to come; deletes nothing")
        plan.add_argument("--at", type=_day, metavar="DATE", help="2027-01-31: at the end of that day, UTC")
        plan.add_argument("--json", action="store_true", help="one JSON object a line")
        which.add_parser("run", help="carry out what is due today, as the beat does every minute")
        check = which.add_parser("check", help="see whether the certificate of a run holds together")
        check.add_argument("file", type=Path)
        explain = which.add_parser("explain", help="why rows stay, and until when")
        explain.add_argument("label", help="crm.invoice")
        explain.add_argument("keys", metavar="ID", nargs="*", help="the rows' primary keys")
        explain.add_argument("--all", action="store_true", help="every row of the table, a line each, by its key")
        form = explain.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="one JSON object a line")
        form.add_argument("--csv", action="store_true", help="a table with a header, reasons in one column")
        anonymity = which.add_parser("anonymity", help="measure what the rules that anonymise a table leave of it")
        anonymity.add_argument("label", help="the table, as crm.device; changes nothing")

        prove = which.add_parser(
            "prove", help="show that rows went: the keys of one batch on standard input, one a line"
        )
        prove.add_argument("id", metavar="RUN", help="the run's id")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(**options)
        except RetentionError as error:
            raise CommandError(str(error)) from None

    def _plan(self, *, at: datetime | None, json: bool, **_options: Any) -> None:
        now = timezone.now()
        plan = services.draw_plan(at or now, actor=COMMAND, now=now)
        if json:
            for line in plan.lines:
                self.stdout.write(_json({**line, "plan": plan.hash}))
            return
        self.stdout.write(f"{'rule':<24}{'before':<22}{'ends':>12}{'kept':>12}  table")
        for line in plan.lines:
            before = f"{datetime.fromisoformat(line['cutoff']):%Y-%m-%d %H:%M:%S}"
            note = "".join(f"  ({words}: would wait for approval)" for words in wording.reasons(line))
            self.stdout.write(
                f"{line['rule']:<24}{before:<22}{line['rows']:>12,}{line['deferred']:>12,}  {line['target']}{note}"
            )
        self.stdout.write(f"Plan {plan.hash}, signed with {plan.key}.")

    def _check(self, *, file: Path, **_options: Any) -> None:
        try:
            content = json.loads(file.read_text())
        except (OSError, ValueError, RecursionError) as error:
            raise CommandError(f"{file.name} cannot be read: {type(error).__name__}") from None
        if problems := certificate.check(content if isinstance(content, dict) else {}):
            raise CommandError("\n".join(problems))
        whose = "this house's" if certificate.is_ours(content) else "not known to this house; compare it"
        self.stdout.write(f"The certificate holds together. Signed with {content['signature']['key']} ({whose}).")
        if (sealed := content.get("sealed")) is None:
            self.stdout.write("Its ledger entry was not sealed yet when it was made; fetch it again.")
        else:
            self.stdout.write(
                f"Its ledger entry is in seal {sealed['seal']}, {sealed['digest']}, signed with {sealed['key']}."
            )

    def _run(self, **_options: Any) -> None:
        runs = services.run_due(timezone.now(), told=Teller(self.stdout.write))
        for run in runs:
            self.stdout.write(_words(run))
        if not runs:
            self.stdout.write("Nothing to do: every rule has run today.")
        if any(run.state == Run.State.STOPPED for run in runs):
            raise CommandError("Not every rule could be carried out; the runs above say why.")

    def _explain(
        self,
        *,
        label: str,
        keys: list[str],
        all: bool,  # noqa: A002
        json: bool,
        csv: bool,
        **_options: Any,
    ) -> None:
        if all == bool(keys):
            raise CommandError("Name the rows by their keys, or say --all.")
        now = timezone.now()
        if not all and len(keys) == 1:
            verdicts: Iterator[Verdict] = iter([services.explain(label, keys[0], now)])
        else:
            verdicts = services.explain_table(label, now) if all else services.explain_keys(label, keys, now)
        if csv:
            self._write_csv(verdicts)
            return
        told = set()
        for verdict in verdicts:
            told.add(verdict.pk)
            if json:
                self.stdout.write(_json(asdict(verdict) | {"words": verdict.words()}))
            else:
                self.stdout.write(verdict.words() if len(keys) == 1 else f"{verdict.pk}  {verdict.words()}")
        if len(keys) == 1 and not json:
            same: dict[str, list[str]] = {}  # what is said of many fields is said once
            for field in services.explain_fields(label, keys[0], now):
                same.setdefault(field.words(), []).append(field.name)
            for words, names in same.items():
                self.stdout.write(f"  {', '.join(names)}: {words}")
        if not all and (gone := len(set(services.keys_of(label, keys)) - told)):
            raise CommandError(f"{gone:,} of {len(keys):,} rows are not there (any more).")

    def _prove(self, *, id: str, **_options: Any) -> None:  # noqa: A002
        try:
            run = Run.objects.select_related("rule").get(pk=id)
        except (Run.DoesNotExist, ValidationError):
            raise CommandError("There is no such run.") from None
        keys = [line.strip() for line in sys.stdin if line.strip()]
        self.stdout.write(_json(asdict(proof.prove(run, keys))))

    def _write_csv(self, verdicts: Iterable[Verdict]) -> None:
        writer = csv_writer(self.stdout)
        writer.writerow(["table", "key", "until", "over", "kept", "rule", "holds", "reasons"])
        for each in verdicts:
            until = each.until.isoformat() if each.until else ""
            writer.writerow(
                [each.label, each.pk, until, int(each.over), int(each.kept), each.rule]
                + ["; ".join(words) for words in (each.matters, each.reasons)]
            )

    def _anonymity(self, *, label: str, **_options: Any) -> None:
        for rule, report in services.anonymity(label, timezone.now()):
            self.stdout.write(f"{rule.slug} ({rule.get_state_display()}): {report.words()}")
            for name, figures in (("before", report.before), ("after", report.after)):
                self.stdout.write(
                    f"  {name:<8}{figures.rows:>12,} rows  {figures.classes:>9,} classes  smallest {figures.smallest:,}"
                    f"  unique {figures.uniqueness:.2%}  below k {figures.below:,}  diversity {figures.diversity:,}"
                    f"  farthest {figures.distance:.0%}"
                )
            if report.search is not None:
                self.stdout.write(f"  nearest {report.search.words()}")
            for question, findings in report.by_question():
                self.stdout.write(str(question.words))
                for found in findings:
                    self.stdout.write(f"  {found.column}: {found.words()}")


def _day(text: str) -> datetime:
    """The last instant of a day, UTC."""
    try:
        return datetime.combine(date.fromisoformat(text), clock_time.max, tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no day of the form 2027-01-31") from None


def _words(run: Run) -> str:
    state = f"{run.get_state_display()} ({run.last_error})" if run.last_error else str(run.get_state_display())
    seconds = run.busy.total_seconds()
    vacuumed = run.progress.get("vacuum")
    space = f"  {len(vacuumed['tables'])} tables vacuumed in {vacuumed['seconds']:.2f} s" if vacuumed else ""
    if vacuumed and vacuumed["failed"]:
        space += f", {len(vacuumed['failed'])} left to the server"
    rested = f"  {wording.rested(run)}" if wording.rested(run) else ""
    return (
        f"{run.rule.slug:<24}{state:<24}{run.rows_total:>12,} rows  {seconds:>8.2f} s  {run.wal_bytes:>14,} bytes WAL"
        f"{space}{rested}"
    )


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False)
