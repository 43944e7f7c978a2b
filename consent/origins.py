"""Other sites' origins in the content security policy: named only to the browser of somebody who allowed them.

    CONSENT_ORIGINS={"analytics": {"script-src": ["https://stats.example"], "connect-src": ["https://stats.example"]}}

A tag that slips past the script cannot load then: the browser itself refuses what the policy does not name.

What could go wrong: a cache hands one visitor's policy to another. So where an origin is declared at all, answers vary
with the cookie and the signal, and one that names an origin is for its own browser alone. Without any the middleware
takes itself out, and pages stay the same for everybody.
"""

from collections.abc import Callable, Iterable

from csp.constants import SELF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from consent import choice, registry

Directives = dict[str, list[str]]


def categories() -> frozenset[str]:
    """Slugs that bring origins of other sites with them."""
    return frozenset(settings.CONSENT_ORIGINS)


def allowed_to(slugs: set[str]) -> Directives:
    """Directive → origins, of these categories together."""
    found: Directives = {}
    for slug, directives in settings.CONSENT_ORIGINS.items():
        if slug in slugs:
            for directive, sources in directives.items():
                found.setdefault(directive, []).extend(sources)
    return found


def of(slugs: Iterable[str]) -> set[str]:
    """The origins of these categories, whatever they may be used for."""
    return {source for sources in allowed_to(set(slugs)).values() for source in sources}


class ConsentedOrigins:
    """WSGI middleware; put it right below `csp.middleware.CSPMiddleware`, which writes the header."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.CONSENT_ORIGINS:
            raise MiddlewareNotUsed
        for slug, directives in settings.CONSENT_ORIGINS.items():
            if not isinstance(directives, dict) or not all(isinstance(each, list) for each in directives.values()):
                raise ImproperlyConfigured(f'CONSENT_ORIGINS["{slug}"] maps directives to lists of origins.')
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # A view with a policy of its own (the admin) keeps it.
        if hasattr(response, "_csp_replace") or not response.get("Content-Type", "").startswith("text/html"):
            return response
        known, gpc = registry.snapshot(), choice.signals_gpc(request)
        mask = choice.granted(choice.of_request(request), gpc=gpc, registry=known)
        named = allowed_to({slug for slug, yes in known.choices(mask).items() if yes})
        patch_vary_headers(response, ["Cookie", "Sec-GPC"])
        if named:
            base = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
            update = {each: sources if each in base else [SELF, *sources] for each, sources in named.items()}
            response._csp_update = (getattr(response, "_csp_update", None) or {}) | update  # type: ignore[attr-defined]
            patch_cache_control(response, private=True)
        return response
