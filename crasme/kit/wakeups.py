"""Waking a worker by a task's name. A convenience wherever it is used: what is to be done stands in PostgreSQL, or is
asked for again.

What could go wrong: the broker is away, and a page fails or waits for it. So there is no second try, and no failure
gets out of here; whoever wakes says what happens instead. Requests have a waker of their own (`privacy.wake`), which
also leaves a broker alone for a while and counts what waits there.
"""

from celery import current_app
from kombu.exceptions import KombuError
from redis.exceptions import RedisError


def send(task: str, queue: str, *args: str) -> str | None:
    """Hand the message to the broker: None when it has it, otherwise what kept it away, by the error's name."""
    try:
        current_app.send_task(task, args=args, queue=queue, retry=False, ignore_result=True)
    except (KombuError, RedisError, OSError) as error:
        return type(error).__name__
    return None
