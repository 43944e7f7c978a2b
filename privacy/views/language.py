"""Choosing a language: a form without a token, so that a public page is the same for everybody and sets no cookie.

What could go wrong: another site switches a visitor's language (harmless, and refused all the same: the request must
come from here), or the choice is forgotten on the next page because functional cookies are off. Pressing the button
asks for exactly this cookie, for this visit, so the guard lets it pass.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from consent.origin import Origin, of_request


@csrf_exempt
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember `language` until the browser is closed and go back to `next`; an unknown language changes nothing."""
    if of_request(request) is Origin.ELSEWHERE:
        return HttpResponseForbidden()
    wanted, back = request.POST.get("language", ""), request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = reverse("home")
    response = HttpResponseRedirect(back)
    if wanted in dict(settings.LANGUAGES):
        name = settings.LANGUAGE_COOKIE_NAME
        response.set_cookie(
            name,
            wanted,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        response.asked_for = frozenset({name})  # type: ignore[attr-defined]  # read by consent.middleware
    return response
