"""Asking a worker that has a browser to measure the next notice.

What could go wrong: the broker is away and the page fails (it says what to run instead), or the only worker has no
browser (the try is kept with its reason, and the page shows both).
"""

from celery import current_app
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

TASK, QUEUE = "consent.tasks.measure_notice", "celery"


def ask() -> bool:
    """Whether the wish reached the broker."""
    try:
        current_app.send_task(TASK, queue=QUEUE, retry=False, ignore_result=True)
    except (KombuError, RedisError, OSError):
        return False
    return True
