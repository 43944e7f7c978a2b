"""How often something may be tried, counted in Valkey by the hash of who tries.

What could go wrong: a limit that locks out a whole office (a network is a small range, and its limit generous), a
counter that holds addresses, or a counter that is away and takes the form down with it (then nothing is limited for a
moment, nobody waits for it, and the log says so: turning people away from their rights is worse than a few mails more).
"""

import ipaddress
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, wraps
from threading import Lock
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from crasme.kit.counters import count
from crasme.kit.crypto import keyed_hash
from crasme.kit.errors import CrasmeError

log = logging.getLogger(__name__)
View = Callable[..., HttpResponse]
REST = 5.0  # seconds without another look at the counters, after one that failed
_away_until = 0.0


class TooOften(CrasmeError):
    """A limit was reached; `wait` is the number of seconds after which another try makes sense."""

    code = "too-often"

    def __init__(self, wait: int) -> None:
        super().__init__(_("Too many tries from here in a short time."))
        self.wait = wait


class _Bundles:
    """What a process has counted of one limit and not told yet, within the current window."""

    MOST = 20_000  # keys; with more the oldest are let go, and what they had not told with them

    def __init__(self) -> None:
        self._lock, self._window = Lock(), 0
        self._of: dict[str, tuple[int, int]] = {}  # key → tries not told yet, and those of all processes when it was

    def add(self, key: str, window: int, size: int, times: int) -> tuple[int, int]:
        """One more; how many are to be told now (0: not yet), and how many there are as far as is known."""
        with self._lock:
            if window != self._window:
                self._window, self._of = window, {}
            untold, known = self._of.pop(key, (0, 0))
            untold += 1
            total = untold + known
            # One that is above its limit as far as is known is asked about no more: it is over for this window.
            tell = untold if known <= times and (untold >= size or total > times) else 0
            self._of[key] = (untold - tell, known)
            if len(self._of) > self.MOST:
                del self._of[next(iter(self._of))]
            return tell, total

    def told(self, key: str, window: int, total: int) -> None:
        with self._lock:
            if window == self._window:
                self._of[key] = (self._of.get(key, (0, 0))[0], total)


_bundles: defaultdict[str, _Bundles] = defaultdict(_Bundles)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` within a window of `seconds`; windows begin at multiples of their length.

    With a `bundle` each process counts by itself and tells the counters once in so many tries: who comes a few times
    costs no way to them, and each process lets through up to `bundle` - 1 tries above `times`.
    """

    name: str
    times: int
    seconds: int
    bundle: int = 1

    def hit(self, key: str, *, now: datetime) -> None:
        """Count one try. Raises TooOften from the one after the last allowed on."""
        if _is_away():
            return
        elapsed = int(now.timestamp())
        window, left = elapsed // self.seconds, self.seconds - elapsed % self.seconds
        told, tries = 1, 0
        if self.bundle > 1:
            told, tries = _bundles[self.name].add(key, window, self.bundle, self.times)
        if told:
            tries = self._tell(key, window, told)
        if tries > self.times:
            raise TooOften(left)

    def _tell(self, key: str, window: int, tries: int) -> int:
        """How many there are in all processes; 0 when that cannot be known."""
        name = f"throttle:{self.name}:{window}:{keyed_hash('kit.limits', key)[:32]}"
        try:
            total = count(name, seconds=self.seconds, by=tries)
        except (RedisError, OSError) as error:
            _leave_alone(error)
            return 0
        if self.bundle > 1:
            _bundles[self.name].told(key, window, total)
        return total


def forget() -> None:
    """What this process has counted and not told is as if it had not been."""
    _bundles.clear()


def first_time(name: str, key: str, *, seconds: int) -> bool:
    """Whether nobody came with this key in so many seconds: of any number at once, one is told so. While the counters
    are away, everybody is.
    """
    if _is_away():
        return True
    try:
        return bool(cache.add(f"once:{name}:{keyed_hash('kit.limits', key)[:32]}", 1, timeout=seconds))
    except (RedisError, OSError) as error:
        _leave_alone(error)
        return True


def _is_away() -> bool:
    return monotonic() < _away_until


def _leave_alone(error: Exception) -> None:
    global _away_until  # noqa: PLW0603  (one server of counters a process)
    _away_until = monotonic() + REST
    log.warning("Tries cannot be counted (%s); nothing is limited.", type(error).__name__)


def network(request: HttpRequest) -> str:
    """The range that the visitor comes from: /24 for IPv4, /56 for IPv6, "" when unknown."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:  # there is a proxy, and it appends whom it talked to
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rpartition(",")[2].strip()
    return _range(address)


@lru_cache(maxsize=1024)  # a visit brings the same address with every request
def _range(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    # On a socket for both protocols all of IPv4 would be one range, and its visitors would share one limit.
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 56), strict=False))


def limited(view: View) -> View:
    """Answer a limit with a page that says so, and with the time after which it makes sense to try again."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except TooOften as error:
            response = render(request, "429.html", status=429)
            response["Retry-After"] = str(error.wait)
            return response

    return answered
