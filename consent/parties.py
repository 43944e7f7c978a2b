"""Who answers for the data, as records name it. A room above knows; it says so by `provide`, and this one asks.

What could go wrong: nobody provided it (then records name the site itself, which is true, if less than one would want).
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Controller:
    name: str
    address: str
    contact: str
    url: str


_provider: Callable[[], Controller | None] | None = None


def provide(provider: Callable[[], Controller | None]) -> None:
    """`provider` answers with the controller of now, or None while it is not known."""
    global _provider  # noqa: PLW0603  (set once, when the app that knows is ready)
    _provider = provider


def controller() -> Controller:
    known = _provider() if _provider is not None else None
    return known or Controller(settings.SITE_URL, settings.SITE_URL, settings.DEFAULT_FROM_EMAIL, settings.SITE_URL)
