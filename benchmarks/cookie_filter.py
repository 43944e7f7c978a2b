"""What the cookie guard costs a response that sets ten cookies, with a registry of 2,000 rows.

Measured on responses that are made beforehand. The first baseline is a guard that goes through the rows for each cookie
and matches names as one writes it at first; both must let the same cookies through. The second is the view without the
guard, so its ratio says how much longer a response takes.
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
Filter = Callable[[HttpRequest, HttpResponse], object]


def run(rows: int) -> Iterator[Figure]:
    """Microseconds a response."""
    logging.disable(logging.WARNING)
    content = _in_force(rows)
    request = RequestFactory().get("/")
    request.COOKIES[NAME] = CONSENT
    guard, naive = CookieGuard(view), _naive(content)
    for filtering in (guard.filter, naive):
        response = view(request)
        filtering(request, response)
        if set(response.cookies) != KEPT:
            raise RuntimeError(f"{filtering} let {sorted(response.cookies)} through")
    cost, slow = _micro(guard.filter, request, TIMES), _micro(naive, request, NAIVE_TIMES)
    note = "10 cookies, 2 of them dropped; against matching every row in turn"
    yield Figure("cookie_filter", cost, "µs/response", slow, rows, note)
    bare = _micro(lambda asked, _response: view(asked), request, TIMES)
    yield Figure(
        "cookie_filter_view", bare + cost, "µs/response", bare, rows, "the same view with and without the guard"
    )


def view(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("fine")
    for name in SETS:
        response.set_cookie(name, "value", max_age=3600)
    return response


def _naive(content: drafting.Content) -> Filter:
    needs = [(row["name"], row["category"]) for row in content["cookies"]]

    def through(_request: HttpRequest, response: HttpResponse) -> None:
        for name in list(response.cookies):
            found = [(len(pattern), slug) for pattern, slug in needs if fnmatchcase(name, pattern)]
            if not found or max(found)[1] not in {"essential", "analytics"}:
                del response.cookies[name]

    return through


def _micro(filtering: Filter, request: HttpRequest, times: int) -> float:
    """Of the processor's own time, which others on the machine lengthen less; the best of five runs."""
    best = float("inf")
    for _run in range(5):
        responses = [view(request) for _ in range(times)]
        started = time.process_time()
        for response in responses:
            filtering(request, response)
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
