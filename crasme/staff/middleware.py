"""The back office speaks one language.

What could go wrong: its own texts are English, those of the frameworks below it are translated, and a page in a German
browser is half of each. So staff pages are English, whatever the browser asks for; the public pages follow the visitor.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

STAFF_PATHS = ("/admin/", "/accounts/")


class OneStaffLanguage:
    """Stands right after LocaleMiddleware, which resets the language at the end of each request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(STAFF_PATHS):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        return self.get_response(request)
