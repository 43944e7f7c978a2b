"""A short-lived look at the broker itself, for health and figures; tasks go through Celery."""

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

LIMIT_SECONDS = 2


def client() -> redis.Redis:
    """A client that gives up after LIMIT_SECONDS, once: by default it would try again and again. Close it after use."""
    return redis.Redis.from_url(
        settings.BROKER_URL,
        socket_connect_timeout=LIMIT_SECONDS,
        socket_timeout=LIMIT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
