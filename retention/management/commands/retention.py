"""`manage.py retention plan [--at DATE] [--json] | run | explain LABEL ID`: what ends when, and why something stays."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from retention import services
from retention.errors import RetentionError
from retention.models import Run


class Command(BaseCommand):
    help = "Show what retention would end, end what is due, or explain why one row is still here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="what", required=True, metavar="plan|run|explain")
        plan = which.add_parser("plan", help="count what would end, now or on a day to come; deletes nothing")
        plan.add_argument("--at", type=_day, metavar="DATE", help="2027-01-31: at the end of that day, UTC")
        plan.add_argument("--json", action="store_true", help="one JSON object a line")
        which.add_parser("run", help="carry out what is due today, as the beat does every minute")
        explain = which.add_parser("explain", help="why a row stays, and until when")
        explain.add_argument("label", help="crm.invoice")
        explain.add_argument("key", metavar="ID", help="the row's primary key")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(**options)
        except RetentionError as error:
            raise CommandError(str(error)) from None

    def _plan(self, *, at: datetime | None, json: bool, **_options: Any) -> None:
        lines = services.plan(at or timezone.now())
        if json:
            for line in lines:
                self.stdout.write(_json(asdict(line)))
            return
        self.stdout.write(f"{'rule':<24}{'before':<22}{'ends':>12}{'kept':>12}  table")
        for line in lines:
            before = line.cutoff.strftime("%Y-%m-%d %H:%M:%S")
            note = "  (more than its limit: would wait for approval)" if line.over_limit else ""
            self.stdout.write(f"{line.rule:<24}{before:<22}{line.rows:>12,}{line.deferred:>12,}  {line.target}{note}")

    def _run(self, **_options: Any) -> None:
        runs = services.run_due(timezone.now())
        for run in runs:
            self.stdout.write(_words(run))
        if not runs:
            self.stdout.write("Nothing to do: every rule has run today.")
        if any(run.state == Run.State.STOPPED for run in runs):
            raise CommandError("Not every rule could be carried out; the runs above say why.")

    def _explain(self, *, label: str, key: str, **_options: Any) -> None:
        self.stdout.write(str(services.explain(label, key, timezone.now())))


def _day(text: str) -> datetime:
    """The last instant of a day, UTC."""
    try:
        return datetime.combine(date.fromisoformat(text), time.max, tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no day of the form 2027-01-31") from None


def _words(run: Run) -> str:
    state = f"{run.get_state_display()} ({run.last_error})" if run.last_error else str(run.get_state_display())
    seconds = run.busy.total_seconds()
    return (
        f"{run.rule.slug:<24}{state:<24}{run.rows_total:>12,} rows  {seconds:>8.2f} s  {run.wal_bytes:>14,} bytes WAL"
    )


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False)
