"""`manage.py cookies scan | fairness`: proofs by a real browser.

    scan [--base-url URL] [--route /path/ …] [--state "no choice" …] [--settle MS] [--json]
    fairness [--json] [--pictures FOLDER]

Exit status 1 when anything differs from the registry or leads visitors to an answer, 2 when no proof was possible.
"""

import json
from argparse import ArgumentParser
from base64 import b64decode
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consent import notices
from consent.errors import ConsentError
from consent.fairness import gate
from consent.scanning.run import Result, scan


class Command(BaseCommand):
    help = "Prove by a real browser that cookies are as declared, and that refusing them is as easy as accepting."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="what", required=True, metavar="scan|fairness")
        scanning = which.add_parser("scan", help="compare what browsers hold with the registry, both ways")
        scanning.add_argument("--base-url", default="", help="the site to look at; SITE_URL when left out")
        scanning.add_argument("--route", action="append", default=[], help="a path; again for more; first one first")
        scanning.add_argument("--state", action="append", default=[], help="this state alone; stamps nothing")
        scanning.add_argument("--settle", type=int, default=500, help="milliseconds a loaded page may still work")
        scanning.add_argument("--json", action="store_true", help="print one JSON object")
        fairness = which.add_parser("fairness", help="measure the notice that would be published next")
        fairness.add_argument("--json", action="store_true", help="print one JSON object")
        fairness.add_argument("--pictures", type=Path, metavar="FOLDER", help="write the pictures there as PNG files")

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

    def _fairness(self, *, json: bool, pictures: Path | None, **_options: Any) -> None:
        rows = gate.look_at(notices.draft(), now=timezone.now())
        if json:
            content = [{"language": row.language, "look": row.look, "findings": row.findings} for row in rows]
            self.stdout.write(_dump({"fair": all(row.passed for row in rows), "languages": content}))
        else:
            for row in rows:
                verdict = self.style.SUCCESS("fair") if row.passed else self.style.ERROR("unfair")
                self.stdout.write(f"{row.language:<4} {verdict}  {len(row.figures)} views, look {row.look[:12]}")
                for each in row.findings:
                    self.stdout.write(f"     {each['view']}: {each['rule']}, {each['element']}: {each['measured']}")
                    self.stdout.write(f"     {each['remedy']}")
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            for row in rows:
                for view, png in row.pictures.items():
                    (pictures / f"{row.language}-{view}.png").write_bytes(b64decode(png))
        if not all(row.passed for row in rows):
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
    return _dump(content)


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
