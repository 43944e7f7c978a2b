"""The cookie guard: no response sets a cookie that nobody declared, or that this visitor did not agree to.

It stands outermost, so that it sees what every view, middleware and library below it makes. Essential cookies always
pass, and so do deletions. So does a cookie that the registry marks as set on request, on the very response to that
request: somebody pressed “Deutsch”, and the view says so by `response.asked_for = {"crasme_language"}`.
COOKIE_GUARD_MODE "enforce" drops the rest, "report" only reports it.

What could go wrong: it costs every request something (a response without cookies costs two dictionary look-ups, one
with some a few microseconds and no query, see `consent.remembered`); it takes a page down (reporting never raises);
it forgets cookies written past Django's jar (raw headers are read too, see `consent.setcookies`).
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

from consent import choice, registry, setcookies, sightings
from consent.models import CookieSighting

ENFORCE, REPORT = "enforce", "report"
Reason = CookieSighting.Reason


class CookieGuard:
    """WSGI middleware; put it first in MIDDLEWARE."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        mode = getattr(settings, "COOKIE_GUARD_MODE", ENFORCE)
        if mode not in (ENFORCE, REPORT):
            raise ImproperlyConfigured(f'COOKIE_GUARD_MODE is "{ENFORCE}" or "{REPORT}", not {mode!r}.')
        self.enforces = mode == ENFORCE

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.cookies or "Set-Cookie" in response.headers:
            self.filter(request, response)
        return response

    def filter(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Drop (or report) what may not be set on this response."""
        known = registry.snapshot()
        allowed = self._granted(request, response, known)
        asked_for = known.on_request.intersection(getattr(response, "asked_for", ()))
        refused_bits, needs = ~allowed, known.needs
        for name, morsel in list(response.cookies.items()):
            needed = needs(name)
            if needed is not None and not needed & refused_bits:
                continue
            if name in asked_for or setcookies.deletes(morsel):
                continue
            reason = Reason.UNDECLARED if needed is None else Reason.UNCONSENTED
            if self.enforces:
                del response.cookies[name]
            sightings.report(request, name, reason, dropped=self.enforces)
        if header := response.headers.get("Set-Cookie"):
            refused = [
                (name, why)
                for name, deletes in setcookies.raw(header)
                if not deletes and (why := _refusal(name, allowed, known))
            ]
            if refused and self.enforces:
                del response.headers["Set-Cookie"]
            for name, why in refused:
                sightings.report(request, name, why, dropped=self.enforces)

    @staticmethod
    def _granted(request: HttpRequest, response: HttpResponseBase, known: registry.Snapshot) -> int:
        """By the choice that this very response stores, if it does, else by the one that came with the request."""
        new = response.cookies.get(choice.NAME)
        made = choice.parse(new.value) if new is not None else choice.of_request(request)
        return choice.granted(made, gpc=choice.signals_gpc(request), registry=known)


def _refusal(name: str, allowed: int, known: registry.Snapshot) -> Reason | None:
    needed = known.needs(name)
    if needed is None:
        return Reason.UNDECLARED
    return None if needed & allowed == needed else Reason.UNCONSENTED
