#!/usr/bin/env python
"""Django's command line. Beside a local `make run` it finds that run's servers and keys by itself."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from crasme import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crasme.settings")
    if "DATABASE_URL" not in os.environ:
        data_dir = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parent / ".local"))
        if embedded.initialised(data_dir):
            for name, value in embedded.environment(data_dir).items():
                os.environ.setdefault(name, value)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
