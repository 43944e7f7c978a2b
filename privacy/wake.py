"""Telling a worker that there is something to do. A convenience: the sweep finds everything in PostgreSQL anyway.

What could go wrong: the broker is down and a visitor's submission fails, or waits for a connection that never comes.
So nothing is published before the commit, no failure gets out of here, and after one the broker is left alone for a
while, so that only one visitor in each process pays for the time-out.
"""

import logging
from functools import partial
from time import monotonic
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
REST = 20.0  # seconds without another attempt, after a failure
_quiet_until = 0.0


# Task and queue by name: a service that wakes a task must not import what the task imports.
SEND = ("privacy.tasks.send", "mail")
STEP = "privacy.tasks.step"
WEBHOOK = ("privacy.tasks.deliver", "webhooks")


def wake(task: str, queue: str, identifier: UUID) -> None:
    """Run the task with this id soon after the current transaction commits; never raises."""
    transaction.on_commit(partial(publish, task, queue, str(identifier)))


def publish(task: str, queue: str, identifier: str) -> None:
    """Hand one wake-up to the broker now, or not at all."""
    global _quiet_until  # noqa: PLW0603  (one broker a process)
    if monotonic() < _quiet_until:
        return
    try:
        current_app.send_task(task, args=(identifier,), queue=queue, retry=False, ignore_result=True)
    except (KombuError, RedisError, OSError) as error:
        _quiet_until = monotonic() + REST
        log.warning("The broker cannot be reached (%s); the sweep will find the work.", type(error).__name__)
