"""What the cookie guard costs a response that sets ten cookies, with a registry of 2,000 rows.

Measured around a view that makes the response: with the guard, less without it. The first baseline is a guard that
goes through the rows for each cookie and matches names as one writes it at first; both must let the same cookies
through. The second is the bare view, so the ratio says how much longer a response takes.
"""

import logging
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from benchmarks.figures import Figure
from consent import drafting, registry
from consent.choice import NAME
from consent.middleware import CookieGuard
from consent.models import RegistryVersion
from consent.models.versions import content_digest

ROWS = 2_000
TIMES = 2_000
NAIVE_TIMES = 20
# Analytics is allowed, performance is not.
CONSENT = f"1.5.999999.-.{'0' * 32}"
SETS = (
    *("crasme_session", "crasme_csrf", "messages"),
    *("analytics_1", "analytics_77", "analytics_305", "an_11_8841", "an_15_8842"),
    *("performance_4", "nobody_declared_this"),
)
KEPT = set(SETS[:8])
View = Callable[[HttpRequest], HttpResponse]


def run(rows: int) -> Iterator[Figure]:
    """Microseconds a response."""
    logging.disable(logging.WARNING)
    content = _in_force(rows)
    request = RequestFactory().get("/")
    request.COOKIES[NAME] = CONSENT
    guard, naive = CookieGuard(view), _naive(content)
    for each in (guard, naive):
        if set(each(request).cookies) != KEPT:
            raise RuntimeError(f"{each} let {sorted(each(request).cookies)} through")
    bare = _micro(view, request, TIMES)
    cost = _micro(guard, request, TIMES) - bare
    slow = _micro(naive, request, NAIVE_TIMES) - bare
    note = "10 cookies, 2 of them dropped; against matching every row in turn"
    yield Figure("cookie_filter", cost, "µs/response", slow, rows, note)
    yield Figure(
        "cookie_filter_view", bare + cost, "µs/response", bare, rows, "the same view with and without the guard"
    )


def view(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("fine")
    for name in SETS:
        response.set_cookie(name, "value", max_age=3600)
    return response


def _naive(content: drafting.Content) -> View:
    needs = [(row["name"], row["category"]) for row in content["cookies"]]

    def through(request: HttpRequest) -> HttpResponse:
        response = view(request)
        allowed = {"essential", "analytics"}
        for name in list(response.cookies):
            found = [(len(pattern), slug) for pattern, slug in needs if fnmatchcase(name, pattern)]
            if not found or max(found)[1] not in allowed:
                del response.cookies[name]
        return response

    return through


def _micro(call: View, request: HttpRequest, times: int) -> float:
    """Of the processor's own time, which others on the machine do not lengthen; the best of five runs."""
    best = float("inf")
    for _run in range(5):
        started = time.process_time()
        for _turn in range(times):
            call(request)
        best = min(best, time.process_time() - started)
    return best / times * 1e6


def _in_force(rows: int) -> drafting.Content:
    """The shipped registry with so many rows more; a quarter are patterns."""
    content = drafting.content()
    pattern = next(row for row in content["cookies"] if row["name"] == "crasme_session")
    for number in range(rows - len(content["cookies"])):
        slug = "analytics" if number % 2 else "performance"
        name = f"an_{number}_*" if number % 4 == 3 else f"{slug}_{number}"
        content["cookies"].append(pattern | {"name": name, "category": slug})
    RegistryVersion.objects.create(
        number=RegistryVersion.objects.count() + 1,
        sha256=content_digest(content),
        content=content,
        published_at=timezone.now(),
        published_by="system:bench",
    )
    registry.forget()
    return content
