"""Telling a worker that there is something to do. A convenience: the sweep finds everything in PostgreSQL anyway.

What could go wrong: the broker is down and a visitor's submission fails, or waits for a connection that never comes.
So nothing is published before the commit, no failure gets out of here, and after one the broker is left alone for a
while, so that only one visitor in each process pays for the time-out.

A message costs far more than most steps do, so two kinds are not sent. A worker keeps what it is about to do itself
(`keeping`), and where ENOUGH messages wait already another one would only be read to find its work done: whoever is
woken goes on with what else is due (`privacy.steps.shift`, `privacy.correspondence.shift`).
"""

import logging
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, partial
from time import monotonic
from uuid import UUID

import redis
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
REST = 20.0  # seconds without another attempt, after a failure
ENOUGH = 8  # waiting messages a queue; whoever reads one does far more than its work
_quiet_until = 0.0


# Task and queue by name: a service that wakes a task must not import what the task imports.
SEND = ("privacy.tasks.send", "mail")
SORT = ("privacy.tasks.sort_mail", "mail")
STEP = "privacy.tasks.step"
LINK = ("privacy.tasks.link", "mail")
PREFERENCES = ("privacy.tasks.preference_link", "mail")
WEBHOOK = ("privacy.tasks.deliver", "webhooks")
GO_ON = frozenset({STEP, SEND[0]})  # the tasks that go on with what is due beside their own


@dataclass(frozen=True, slots=True)
class Kept:
    """What a worker has kept for itself, oldest first."""

    task: str
    queues: Collection[str]
    found: deque[tuple[str, str]] = field(default_factory=deque)  # queue and id
    for_later: deque[tuple[str, str]] = field(default_factory=deque)


_kept: ContextVar[Kept | None] = ContextVar("kept", default=None)


def wake(task: str, queue: str, identifier: UUID, *, for_later: bool = False) -> None:
    """Run the task with this id soon after the current transaction commits; never raises.

    `for_later` tells a worker that keeps it to wait for others of its kind.
    """
    how = {"for_later": True} if for_later else {}
    transaction.on_commit(partial(publish, task, queue, str(identifier), **how))


def publish(task: str, queue: str, identifier: str, *, for_later: bool = False) -> None:
    """Hand one wake-up to the broker now, or not at all."""
    global _quiet_until  # noqa: PLW0603  (one broker a process)
    kept = _kept.get()
    if kept is not None and kept.task == task and queue in kept.queues:
        (kept.for_later if for_later else kept.found).append((queue, identifier))
        return
    if monotonic() < _quiet_until:
        return
    try:
        if task in GO_ON and _waiting(queue) >= ENOUGH:
            return
        current_app.send_task(task, args=(identifier,), queue=queue, retry=False, ignore_result=True)
    except (KombuError, RedisError, OSError) as error:
        _quiet_until = monotonic() + REST
        log.warning("The broker cannot be reached (%s); the sweep will find the work.", type(error).__name__)


@contextmanager
def keeping(task: str, queues: Collection[str]) -> Iterator[Kept]:
    """Within this block wake-ups for the task in these queues are collected; what is left at the end is published."""
    kept = Kept(task, queues)
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)
        for queue in kept.queues:
            left = [each for each in (*kept.found, *kept.for_later) if each[0] == queue]
            for _queue, identifier in left[:ENOUGH]:
                publish(task, queue, identifier)


def _waiting(queue: str) -> int:
    """How many messages nobody has read yet. Asked directly: Celery makes a new client for every question."""
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    return int(_client(settings.BROKER_URL).llen(f"{prefix}{queue}"))


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2)
