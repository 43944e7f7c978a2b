"""Asking a worker that has a browser to measure the next notice.

What could go wrong: the broker is away and the page fails (it says what to run instead), or the only worker has no
browser (the try is kept with its reason, and the page shows both).
"""

from crasme.kit import wakeups

TASK, QUEUE = "consent.tasks.measure_notice", "celery"


def ask() -> bool:
    """Whether the wish reached the broker."""
    return wakeups.send(TASK, QUEUE) is None
