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
    left = choice.still_open(made, registry.snapshot())
    if left is None:
        return HttpResponse("", content_type="text/css")
    known = registry.snapshot().bits
    # Only what is asked anew is shown again; a slug is letters, digits, - and _.
    answered = [f'.consent [data-category="{slug}"]' for slug in known if slug not in left]
    return HttpResponse(f"{','.join(answered)}{{display:none}}" if left else HIDDEN, content_type="text/css")
