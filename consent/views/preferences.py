"""The cookie settings page: everything the banner offers, as a plain form, and the public table of cookies.

It is also where the banner itself posts to in a browser without scripts. What could go wrong: a cache hands one
visitor's settings to another (never stored by caches), or another site posts here (the request's origin must be this
site; a browser that names none needs the page's token).
"""

import uuid
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from consent import choice, notices, origin, registry, services, throttle
from consent.errors import ConsentError
from consent.models import ConsentEvent
from consent.origin import Origin
from consent.views.answers import decide
from crasme.kit.ids import uuid7
from crasme.kit.limits import limited, network

Surface = ConsentEvent.Surface


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def preferences(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    made = origin.of_request(request)
    if made is Origin.ELSEWHERE:
        error = _("This choice came from another site's page and was not stored. Please choose again here.")
        return _page(request, error=error, status=HTTPStatus.FORBIDDEN)
    return _save(request) if made is Origin.HERE else _save_with_token(request)


def _save(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    throttle.CHOICES_NETWORK.hit(network(request), now=now)
    surface = Surface.NO_JS if request.POST.get("surface") == Surface.NO_JS else Surface.PREFERENCES
    response = HttpResponseRedirect(_back(request, surface))
    response.status_code = HTTPStatus.SEE_OTHER
    try:
        notice = notices.current()
        decide(
            request,
            response,
            event_id=uuid7(),
            visitor=_visitor(request),
            choices=dict.fromkeys(request.POST.getlist("category"), True),
            action=request.POST.get("action", ""),
            surface=surface,
            notice_sha=request.POST.get("notice") or notice["sha256"],
            language=request.POST.get("language") or notice["language"],
            asked=_asked(request, surface),
            decided_at=now,
            now=now,
        )
    except ConsentError as error:
        return _page(request, error=str(error), status=HTTPStatus.BAD_REQUEST)
    messages.success(request, _said(request))
    return response


def _said(request: HttpRequest) -> str:
    """A withdrawal is one press, as easy as consenting (GDPR Art. 7(3)): it says what it did and how to undo it."""
    if request.POST.get("action") == ConsentEvent.Action.WITHDRAW:
        return _("Everything is withdrawn: only essential cookies are used. To undo it, tick what you want and save.")
    return _("Your choice is saved.")


_save_with_token = csrf_protect(_save)


def _asked(request: HttpRequest, surface: str) -> list[str] | None:
    """What the banner without scripts had on screen: the questions that are open for this browser's choice.

    None for all; also where none is open any more, since it has stood in its tab from before another tab answered.
    """
    if surface != Surface.NO_JS:
        return None
    return choice.still_open(choice.of_request(request), registry.snapshot()) or None


def _visitor(request: HttpRequest) -> uuid.UUID:
    made = choice.of_request(request)
    return made.visitor if made else uuid.uuid4()


def _back(request: HttpRequest, surface: str) -> str:
    """From the banner back to the page it was on, which the browser names; else to this page."""
    referer = request.META.get("HTTP_REFERER", "")
    if surface == Surface.NO_JS and url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        parts = urlsplit(referer)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return reverse("cookies")


def _page(request: HttpRequest, *, error: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    gpc, known = choice.signals_gpc(request), registry.snapshot()
    made, declared = choice.of_request(request), registry.in_force()
    granted, left = choice.granted(made, gpc=gpc, registry=known), choice.still_open(made, known) or ()
    context: dict[str, Any] = {
        "categories": [
            {
                "slug": category.slug,
                "essential": category.essential,
                "title": category.text("title"),
                "purpose": category.text("purpose"),
                "on": bool(granted & (1 << category.bit)),
                "open": category.slug in left,
                "off_by_gpc": gpc and category.off_under_gpc and not (made and made.gpc),
                "cookies": [
                    {"row": cookie, "purpose": cookie.text("purpose"), "service": cookie.service.text("name")}
                    for cookie in cookies
                ],
            }
            for category, cookies in declared.rows
        ],
        "notice": notices.current(get_language()),
        "registry": declared,
        "gpc": gpc,
        "decided": made,
        "something": granted != known.essential,
        "record": services.current(made.visitor) if made else None,
        "error": error,
        "consent_page": True,
    }
    response = render(request, "consent/cookies.html", context, status=status)
    patch_vary_headers(response, ["Cookie", "Sec-GPC"])
    return response
