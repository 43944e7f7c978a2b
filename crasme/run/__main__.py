"""`python -m crasme.run`: reads PORT, DATA_DIR, DEMO (small, large, none) and VERBOSE from the environment."""

import os
import sys
from pathlib import Path

from crasme.embedded import EmbeddedError
from crasme.run.screen import Screen
from crasme.run.supervisor import Stopped, Supervisor, Wishes

PROJECT = Path(__file__).resolve().parents[2]


def wishes() -> Wishes:
    """What the environment asks for. Raises EmbeddedError when it makes no sense."""
    port = os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise EmbeddedError(f"PORT is {port!r}, but must be a number from 1 to 65535.")
    demo = os.environ.get("DEMO") or "small"
    if demo not in ("small", "large", "none"):
        raise EmbeddedError(f"DEMO is {demo!r}, but must be small, large or none.")
    return Wishes(
        project=PROJECT,
        port=int(port),
        data_dir=(PROJECT / (os.environ.get("DATA_DIR") or ".local")).resolve(),
        demo=demo,
    )


def main() -> int:
    screen = Screen(sys.stdout, verbose=os.environ.get("VERBOSE", "") not in ("", "0"))
    try:
        return Supervisor(wishes(), screen).run()
    except EmbeddedError as error:
        screen.problem(str(error))
        return 1
    except Stopped:
        return 0


if __name__ == "__main__":
    sys.exit(main())
