"""A stylesheet that hides the banner from somebody who has chosen, for browsers without scripts.

Pages are the same for everybody, so that they can be cached; a browser that runs scripts hides the banner itself. One
that does not loads this style sheet, named inside <noscript>, and only this one small answer depends on the cookie.
"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from consent import choice, registry

HIDDEN = ".consent{display:none}"


@require_safe
@never_cache
@vary_on_headers("Cookie")
def state(request: HttpRequest) -> HttpResponse:
    made = choice.of_request(request)
    asked = max(registry.snapshot().asked_since.values(), default=0)
    answered = made is not None and made.version >= asked
    return HttpResponse(HIDDEN if answered else "", content_type="text/css")
