"""The short lane: addresses that scripts on our own pages post to, answered before sessions, languages and forms.

Such a call has no session, no form, no page and no language, and there is one for each choice; the way through every
middleware would cost several times what the choice costs. What these calls do need stands above the lane (the cookie
guard; TLS and its headers) or in it: the restore gate, the host check, and headers that let an answer do nothing.

What could go wrong: an address that needs somebody to be signed in is put here, and its view finds no `request.user`.
So the list is short, names views and not patterns, and holds only what asks for no CSRF token: those look at where a
request comes from instead (`consent.origin`).
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.functional import cached_property

from consent.views import events, survivors
from crasme.gate import RestoreGate

View = Callable[[HttpRequest], HttpResponse]
LANE: Final[dict[str, View]] = {
    "consent-events": events.receive,
    "consent-shown": events.shown,
    "consent-survivors": survivors.receive,
}
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


class ShortLane:
    """Middleware, right below `SecurityMiddleware`. Everything that is not in LANE goes on as ever."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    @cached_property
    def doors(self) -> dict[str, View]:
        """Path → view behind the restore gate; made with the first request, when addresses are known."""
        return {reverse(name): RestoreGate(partial(_answer, view)) for name, view in LANE.items()}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        door = self.doors.get(request.path)
        if door is None:
            return self.get_response(request)
        # The thread still speaks to whoever it answered before.
        translation.activate(settings.LANGUAGE_CODE)
        return door(request)


def _answer(view: View, request: HttpRequest) -> HttpResponse:
    request.get_host()  # DisallowedHost, which is answered 400
    response = view(request)
    for name, value in HEADERS.items():
        response[name] = value
    return response
