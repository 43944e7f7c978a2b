"""How often something may be tried, counted in Valkey by the hash of who tries.

What could go wrong: a limit that locks out a whole office (a network is a small range, and its limit generous), a
counter that holds addresses, or a counter that is away and takes the form down with it (then nothing is limited for a
moment, nobody waits for it, and the log says so: turning people away from their rights is worse than a few mails more).
"""

import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
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


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` within a window of `seconds`; windows begin at multiples of their length."""

    name: str
    times: int
    seconds: int

    def hit(self, key: str, *, now: datetime) -> None:
        """Count one try. Raises TooOften from the one after the last allowed on."""
        if _is_away():
            return
        elapsed = int(now.timestamp())
        window, left = elapsed // self.seconds, self.seconds - elapsed % self.seconds
        name = f"throttle:{self.name}:{window}:{keyed_hash('kit.limits', key)[:32]}"
        try:
            tries = count(name, seconds=self.seconds)
        except (RedisError, OSError) as error:
            _leave_alone(error)
            return
        if tries > self.times:
            raise TooOften(left)


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
