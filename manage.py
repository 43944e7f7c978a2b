#!/usr/bin/env python
"""Django's command line. Beside a local `make run` it finds that run's servers and keys by itself."""

import os
import sys
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, execute_from_command_line
from django.db import OperationalError, connection

from crasme import embedded

ROOMS = ("crasme", "crasme/*", "consent", "privacy", "retention")  # where commands of our own lie
WHICH = (
    "Beside a `make run` with a DATA_DIR of its own, set the same DATA_DIR for this command as well:\n"
    "    DATA_DIR=/path/to/it python manage.py …\n"
    "Without a local start, set DATABASE_URL, BROKER_URL and the other variables (docs/operations.md)."
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crasme.settings")
    if "DATABASE_URL" not in os.environ:
        data_dir = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parent / ".local"))
        if embedded.initialised(data_dir):
            for name, value in embedded.environment(data_dir).items():
                os.environ.setdefault(name, value)
    try:
        _refuse_work_behind_the_gate(sys.argv)
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}\n{WHICH}")
    except OperationalError as error:
        if connection.connection is not None:
            raise
        sys.exit(f"The database cannot be reached: {error}\n{WHICH}")  # a wrong password is no wrong DATA_DIR


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
