"""While DEBUG is on, an address that leads nowhere still gets the product's own page.

What could go wrong: whoever tries the product on their own machine mistypes an address and meets a page for
programmers. So that one is shown only where TECHNICAL_ERRORS asks for it. Outside of DEBUG Django does this by itself.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from crasme.staff.nowhere import nowhere


class OwnNotFound:
    """The innermost middleware: what reaches it has been looked at by all others, and would be answered by a view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.DEBUG or settings.TECHNICAL_ERRORS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            resolve(request.path_info)
        except Resolver404 as error:
            return nowhere(request, error)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        return nowhere(request, exception) if isinstance(exception, Http404) else None
