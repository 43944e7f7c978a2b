"""Fills an empty database with demo data. See `crasme.demo` for what could go wrong."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from crasme.demo import build
from crasme.demo.plan import SIZES, Demo, Draw
from crasme.demo.sign_ins import SIGN_INS

BAR = 24
# Any number, the same everywhere: one filling at a time, as long as this session lives.
LOCK = 0x63726D_64656D6F


class Command(BaseCommand):
    help = "Fill the database with demo data: customers, usage, invoices, requests and consent records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", choices=sorted(SIZES), default="small")
        parser.add_argument("--seed", type=int, default=2026, help="two runs with one seed make the same people")

    def handle(self, *args: Any, size: str, seed: int, **options: Any) -> None:
        self._refuse()
        started = time.monotonic()
        demo = Demo(size=SIZES[size], now=timezone.now(), seed=seed)
        for section in build.SECTIONS:
            if section.is_done():
                self.stdout.write(f"  {section.title:<12} there already")
                continue
            begun = time.monotonic()
            counts = section.fill(demo, self._progress(section.title))
            said = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
            self._line(f"  {section.title:<12} {time.monotonic() - begun:5.1f} s  {said}")
        self.stdout.write(self.style.SUCCESS(f"Demo data is ready ({time.monotonic() - started:.1f} s). Sign in as:"))
        for person in SIGN_INS:
            self.stdout.write(f"  {person.email:<34} {person.password:<14} {person.role}")

    def _refuse(self) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo staff have a published password. They are for local starts, with DEBUG=1, only.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone() != (True,):
                raise CommandError("Another process is filling this database with demo data right now.")
        if build.has_accounts_of_others():
            raise CommandError("This database holds accounts that are no demo data. Demo data is for empty databases.")

    def _progress(self, title: str) -> Draw:
        """Draws a bar on a terminal; a log file gets the closing line of the section only."""

        def draw(made: int, total: int) -> None:
            if self.stdout.isatty():
                done = BAR * made // max(total, 1)
                self._line(f"  {title:<12} [{'█' * done}{'·' * (BAR - done)}] {made:,} of {total:,}", ending="")

        return draw

    def _line(self, text: str, ending: str = "\n") -> None:
        """On a terminal a line takes the place of the one before it, which may have been longer."""
        self.stdout.write(f"\r\033[K{text}" if self.stdout.isatty() else text, ending=ending)
        self.stdout.flush()
