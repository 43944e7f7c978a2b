"""Django's own cache in Valkey, with a client that is made once a thread; and counting in one round trip.

Django makes a client for every command, which takes longer than the command. What could go wrong: a count whose key
never ends, because the window ended between making it and counting; so both are one transaction of the server.
"""

from typing import Any

from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis


class KeptClient(RedisCacheClient):
    def __init__(self, servers: Any, **options: Any) -> None:
        super().__init__(servers, **options)
        self._kept: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if write not in self._kept:
            self._kept[write] = super().get_client(key, write=write)
        return self._kept[write]


class KeptRedisCache(RedisCache):
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient

    def count(self, key: str, *, seconds: int, by: int = 1) -> int:
        """`by` more under `key`, and how many there are: as many the first time, and again after `seconds`."""
        name = self.make_and_validate_key(key)
        client: Redis = self._cache.get_client(name, write=True)
        with client.pipeline() as both:
            both.set(name, 0, ex=seconds, nx=True)
            both.incrby(name, by)
            return int(both.execute()[1])


def count(key: str, *, seconds: int, by: int = 1) -> int:
    """As `KeptRedisCache.count`, in the cache of the house. RedisError or OSError when it is away."""
    counted: int = cache.count(key, seconds=seconds, by=by)  # type: ignore[attr-defined]
    return counted
