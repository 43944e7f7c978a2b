#!/usr/bin/env python
"""Django's command line. Beside a local `make run` it finds that run's servers and keys by itself."""

import os
import sys
from pathlib import Path

import django
from django.core.management import CommandError, execute_from_command_line

from crasme import embedded

ROOMS = ("crasme", "crasme/*", "consent", "privacy", "retention")  # where commands of our own lie


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crasme.settings")
    if "DATABASE_URL" not in os.environ:
        data_dir = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parent / ".local"))
        if embedded.initialised(data_dir):
            for name, value in embedded.environment(data_dir).items():
                os.environ.setdefault(name, value)
    _refuse_work_behind_the_gate(sys.argv)
    execute_from_command_line(sys.argv)


def _refuse_work_behind_the_gate(arguments: list[str]) -> None:
    """A database that came back from a backup is not worked on before its erasures are replayed."""
    command = f"management/commands/{arguments[1]}.py" if len(arguments) > 1 else ""
    here = Path(__file__).resolve().parent
    if command and any((folder / command).is_file() for room in ROOMS for folder in here.glob(room)):
        django.setup()
        from crasme import gate

        try:
            gate.require_open_for(arguments[1:])
        except CommandError as error:
            sys.exit(f"CommandError: {error}")


if __name__ == "__main__":
    main()
