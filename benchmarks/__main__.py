"""Runs benchmarks by name, all of them without one, on servers of their own in a temporary folder.

The servers keep their promises here (fsync on), unlike those of the tests, and the product runs as in production (DEBUG
off): a figure that forgets to write, or that counts a debugger's work, is no figure.
"""

import argparse
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from crasme import embedded

# In this order: the first two need no database of ours.
NAMES = (
    "cold_start",
    "card_scan",
    "ingest",
    "changelist",
    "request_throughput",
    "intake",
    "clock",
    "purge_partitions",
    "purge_rows",
    "purge_under_load",
    "cookie_filter",
    "banner_size",
    "banner_cost",
    "explain",
    "suppression_check",
    "consent_write",
)
WITHOUT_DATABASE = {"cold_start", "card_scan"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(NAMES)}")
    parser.add_argument("--rows", type=int, help="rows to work on, instead of each benchmark's own number")
    parser.add_argument("--requests", type=int, help="requests to queue, where a benchmark has some (1,000)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.")
    chosen = [name for name in NAMES if not options.names or name in options.names]
    for name in [name for name in chosen if name in WITHOUT_DATABASE]:
        report(name, options.rows, options.requests)
    if with_database := [name for name in chosen if name not in WITHOUT_DATABASE]:
        with tempfile.TemporaryDirectory(prefix="crasme-bench-") as folder, embedded.start(Path(folder)):
            os.environ |= environment(Path(folder))
            Path(os.environ["STATIC_ROOT"]).mkdir()  # or every process warns about it
            django.setup()
            call_command("migrate", verbosity=0)
            for name in with_database:
                report(name, options.rows, options.requests)
    return 0


def environment(folder: Path) -> dict[str, str]:
    """A production start on this machine's own servers, apart from TLS, which a proxy would bring."""
    return embedded.environment(folder) | {
        "DJANGO_SETTINGS_MODULE": "crasme.settings",
        "DEBUG": "0",
        "DEMO_SIGN_INS": "0",
        "SECURE_SSL_REDIRECT": "0",
        "STATIC_ROOT": str(folder / "static"),
        "LOG_LEVEL": "WARNING",
    }


def report(name: str, rows: int | None, requests: int | None) -> None:
    module = import_module(f"benchmarks.{name}")
    more = (requests,) if requests and hasattr(module, "REQUESTS") else ()
    for figure in module.run(rows or module.ROWS, *more):
        sys.stdout.write(figure.line() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
