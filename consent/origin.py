"""Whether a request comes from this site's own pages, without a cookie and without a token in the page.

The banner is the same static HTML for everybody, so it can carry no CSRF token; the request itself must tell. What
could go wrong: another site accepts cookies in the visitor's name. A browser that says where the request comes from is
believed (Sec-Fetch-Site, else Origin, else Referer); one that says nothing proves nothing.
"""

from enum import Enum
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


class Origin(Enum):
    HERE = "here"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


def of_request(request: HttpRequest) -> Origin:
    """Where the request was started; UNKNOWN when nothing tells ("none" is the address bar, which starts no POST)."""
    if (site := request.META.get("HTTP_SEC_FETCH_SITE", "none")) != "none":
        return Origin.HERE if site == "same-origin" else Origin.ELSEWHERE
    if origin := request.META.get("HTTP_ORIGIN"):
        return Origin.HERE if _is_here(request, origin) else Origin.ELSEWHERE
    if referer := request.META.get("HTTP_REFERER"):
        parts = urlsplit(referer)
        return Origin.HERE if _is_here(request, f"{parts.scheme}://{parts.netloc}") else Origin.ELSEWHERE
    return Origin.UNKNOWN


def _is_here(request: HttpRequest, origin: str) -> bool:
    own = f"{request.scheme}://{request.get_host()}"
    return origin == own or origin in settings.CSRF_TRUSTED_ORIGINS
