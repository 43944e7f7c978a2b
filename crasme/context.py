"""What every page may say about the site. Nothing is read until a template asks, and then once a request.

What could go wrong: a query on every admin page for a footer that is not there; an error page that fails because the
database does. So everything is lazy, and the error pages of the server's own failures use none of it.
"""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from privacy.models import Controller, PolicyVersion


class Site:
    """The `site` of the templates."""

    @cached_property
    def controller(self) -> Controller:
        return Controller.objects.current()

    @cached_property
    def policy_version(self) -> str:
        """The number of the policy in force; empty before the first publication."""
        return PolicyVersion.objects.current_number(timezone.now())

    @property
    def company(self) -> str:
        return self.controller.company

    @property
    def product(self) -> str:
        return self.controller.product

    @property
    def contact(self) -> str:
        return self.controller.contact_email

    @property
    def demo(self) -> bool:
        """Whether demo staff may sign in without a second factor; pages say so."""
        return bool(settings.DEMO_SIGN_INS)


def site(request: HttpRequest) -> dict[str, Any]:
    """One Site a request, however many templates the page is made of."""
    if not hasattr(request, "_site"):
        request._site = Site()  # type: ignore[attr-defined]
    return {"site": request._site}  # type: ignore[attr-defined]
