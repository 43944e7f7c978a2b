"""Waiting for what a worker or a browser does in the background."""

import time
from collections.abc import Callable


def until(happened: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Return as soon as `happened()` is true; fails the test, saying `what` was waited for, when it does not come."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)
