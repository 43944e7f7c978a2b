"""`manage.py ledger seal | verify [--known NUMBER:DIGEST] | head`: the ledger's batches, whether all is as sealed."""

import json
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from crasme.ledger import seals
from crasme.ledger.models import Leaf, Seal


class Command(BaseCommand):
    help = "Seal the ledger's new entries, or compute every seal and entry anew and say what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="what", required=True, metavar="seal|verify|head")
        which.add_parser("seal", help="seal what is not sealed yet, as the beat does every five minutes")
        verify = which.add_parser(
            "verify", help="name whatever differs from what was sealed; status 1 if anything does"
        )
        verify.add_argument(
            "--known", type=_known, metavar="NUMBER:DIGEST", help="a seal that was kept outside, as `head` prints it"
        )
        which.add_parser("head", help="the newest seal as JSON: keep it elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['what']}")(options)

    def _seal(self, _options: dict[str, Any]) -> None:
        for one in seals.seal(timezone.now()):
            self.stdout.write(f"Seal {one.number}: {one.entries:,} entries, {one.number}:{one.digest}")
        self.stdout.write(f"{Seal.objects.count():,} seals.")

    def _verify(self, options: dict[str, Any]) -> None:
        found = 0
        for each in seals.verify(timezone.now(), known=options["known"]):
            found += 1
            where = " ".join([f"seal {each.seal}"] * bool(each.seal) + [f"entry {each.entry}"] * bool(each.entry))
            self.stdout.write(self.style.ERROR(f"{where}: {each.words}"))
        sealed = Leaf.objects.exclude(seal=None).count()
        waiting = Leaf.objects.filter(seal=None).count()
        self.stdout.write(
            f"{Seal.objects.count():,} seals over {sealed:,} entries, {waiting:,} wait for one; {found:,} differences."
        )
        if found:
            sys.exit(1)

    def _head(self, _options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(seals.head()))


def _known(text: str) -> tuple[int, str]:
    known = re.fullmatch(r"([1-9][0-9]*):([0-9a-f]{64})", text.lower())
    if known is None:
        raise ArgumentTypeError(f"{text} is not a seal's number, a colon and its digest of 64 digits")
    return int(known[1]), known[2]
