"""Where a browser tells of what it could not remove after a refusal: {"names": ["cookie:_stats*", "local:_visits"]}.

What could go wrong: somebody writes names of their own into the staff's list (only what the registry declares, in the
registry's own words, is taken), a visitor's number is part of a cookie's name (the declared pattern is sent, not the
name), a flood (limited by network; each name and route is one row).
"""

import json
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from consent import notices, origin, sightings, throttle
from consent.origin import Origin
from crasme.kit.limits import TooOften, network

MOST_BYTES, MOST_NAMES = 4096, 50


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """204 whatever of it was known; 403 for other sites' pages, 429 for a flood, 400 for what is no such list."""
    if origin.of_request(request) is not Origin.HERE:
        return HttpResponse(status=403)
    try:
        throttle.SURVIVORS_NETWORK.hit(network(request), now=timezone.now())
        names = json.loads(request.read(MOST_BYTES))["names"]
        told = {name for name in names[:MOST_NAMES] if isinstance(name, str)}
    except TooOften as error:
        return HttpResponse(status=429, headers={"Retry-After": str(error.wait)})
    except (ValueError, RecursionError, KeyError, TypeError):
        return HttpResponse(status=400)
    page = urlsplit(request.META.get("HTTP_REFERER", "")).path or "/"
    for kind, _colon, name in (each.partition(":") for each in sorted(told & _refusable())):
        sightings.survived(name if kind == "cookie" else f"{name} ({kind})", page)
    return HttpResponse(status=204)


def _refusable() -> set[str]:
    """As the banner names them: everything declared that a visitor can refuse."""
    return {
        f"{cookie['kind']}:{cookie['name']}"
        for category in notices.current()["categories"]
        if not category["essential"]
        for cookie in category["cookies"]
        if not cookie["on_request"]
    }
