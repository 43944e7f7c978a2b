"""`manage.py cookies scan`: a real browser proves the cookie registry, both ways.

    scan [--base-url URL] [--route /path/ …] [--state "no choice" …] [--settle MS] [--json]

Exit status 1 when anything differs from the registry, 2 when no proof was possible.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consent.errors import ConsentError
from consent.scanning.run import Result, scan


class Command(BaseCommand):
    help = "Walk through the site in every state of consent with a real browser and compare it with the registry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="what", required=True, metavar="scan")
        scanning = which.add_parser("scan", help="compare what browsers hold with the registry, both ways")
        scanning.add_argument("--base-url", default="", help="the site to look at; SITE_URL when left out")
        scanning.add_argument("--route", action="append", default=[], help="a path; again for more; first one first")
        scanning.add_argument("--state", action="append", default=[], help="this state alone; stamps nothing")
        scanning.add_argument("--settle", type=int, default=500, help="milliseconds a loaded page may still work")
        scanning.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(**options)
        except ConsentError as error:
            raise CommandError(str(error), returncode=2) from error

    def _scan(
        self, *, base_url: str, route: list[str], state: list[str], settle: int, json: bool, **_options: Any
    ) -> None:
        result = scan(now=timezone.now(), base_url=base_url, routes=route, only=state, settle=settle)
        if json:
            self.stdout.write(_json(result))
        else:
            self._table(result)
        if result.differences:
            raise SystemExit(1)

    def _table(self, result: Result) -> None:
        report = result.check.report
        self.stdout.write(f"{report['site']}: {len(report['states'])} states on {', '.join(report['routes'])}")
        self.stdout.write(f"seen: {', '.join(report['seen']) or 'nothing'}")
        for each in result.differences:
            places = f"{', '.join(each.states)} on {', '.join(each.routes)}" if each.states else ""
            what = self.style.ERROR(f"{each.what:<12}")
            self.stdout.write(f"{what} {each.kind:<8} {each.name:<28} {each.detail} {places}")
        verdict = f"{len(result.differences)} differences" if result.differences else "as declared"
        stamp = (
            f", registry {result.check.sha256[:12]}" if result.check.sha256 else ", a partial look that stamps nothing"
        )
        self.stdout.write(f"{verdict}{stamp}")


def _json(result: Result) -> str:
    check = result.check
    content = {"checked_at": check.checked_at.isoformat(), "registry": check.sha256} | check.report
    return json.dumps(content, indent=2, ensure_ascii=False)
