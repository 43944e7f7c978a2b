"""Django's own cache in Valkey, with a client that is made once a thread, and counting in one round trip.

Django makes a client for every command, which takes longer than the command, and asks whether a key is there before it
counts. Here both questions travel together. What could go wrong: a window ends in between, and the count begins anew
with a key that never ends; so a key that was not there is removed again.
"""

from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient


class KeptClient(RedisCacheClient):
    def __init__(self, servers: Any, **options: Any) -> None:
        super().__init__(servers, **options)
        self._kept: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if write not in self._kept:
            self._kept[write] = super().get_client(key, write=write)
        return self._kept[write]

    def incr(self, key: str, delta: int) -> int:
        """The count after it. ValueError for a key that is not there."""
        client = self.get_client(key, write=True)
        with client.pipeline(transaction=False) as both:
            there, count = both.exists(key).incr(key, delta).execute()
        if not there:
            client.delete(key)
            raise ValueError("There is no such key.")
        return int(count)


class KeptRedisCache(RedisCache):
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient
