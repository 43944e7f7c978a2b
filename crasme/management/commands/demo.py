"""Fills an empty database with demo data. See `crasme.demo` for what could go wrong."""

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crasme.crm.models import Account
from crasme.demo.build import sections
from crasme.demo.plan import SIZES, Demo
from crasme.demo.sign_ins import SIGN_INS

BAR = 24


class Command(BaseCommand):
    help = "Fill the database with demo data: customers, usage, invoices, requests and consent records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", choices=sorted(SIZES), default="small")
        parser.add_argument("--seed", type=int, default=2026, help="two runs with one seed make the same people")

    def handle(self, *args: Any, size: str, seed: int, **options: Any) -> None:
        if Account.objects.exclude(email="").exclude(email__endswith=".example").exists():
            raise CommandError("This database holds accounts that are no demo data. Demo data is for empty databases.")
        started = time.monotonic()
        demo = Demo(size=SIZES[size], now=timezone.now(), seed=seed)
        for section in sections(demo):
            if section.present():
                self.stdout.write(f"  {section.title:<12} there already")
                continue
            begun = time.monotonic()
            counts = section.make(self._progress(section.title))
            said = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
            self.stdout.write(f"\r  {section.title:<12} {time.monotonic() - begun:5.1f} s  {said}")
        self.stdout.write(self.style.SUCCESS(f"Demo data is ready ({time.monotonic() - started:.1f} s). Sign in as:"))
        for person in SIGN_INS:
            self.stdout.write(f"  {person.email:<34} {person.password:<14} {person.role}")

    def _progress(self, title: str) -> Callable[[int, int], None]:
        """Draws a bar on a terminal; a log file gets the closing line of the section only."""

        def draw(made: int, total: int) -> None:
            if self.stdout.isatty():
                done = BAR * made // max(total, 1)
                self.stdout.write(
                    f"\r  {title:<12} [{'█' * done}{'·' * (BAR - done)}] {made:,} of {total:,}", ending=""
                )
                self.stdout.flush()

        return draw
