"""Panels that other rooms put on the pages of rows: what they know of a row, for staff who look at it.

A room registers what makes its panel; the bases of the admin ask every panel, and nobody repeats it page by page. What
could go wrong: a panel that fails takes the page down with it, so it must answer for every row, or with None.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Panel:
    """A template, and what it is rendered with."""

    template: str
    context: dict[str, Any]


# Put by PersonalDataAdmin before a row's own matter; a page may put it behind.
TEMPLATE: Final = "admin/staff/panels.html"
Make = Callable[[HttpRequest, Model], Panel | None]
_makers: list[Make] = []
Held = Callable[[type[Model], Collection[Any]], set[Any]]
_held: list[Held] = []


def register(make: Make) -> Make:
    """Decorator: ask it for every row that is shown; None where it has nothing to say."""
    if make not in _makers:
        _makers.append(make)
    return make


def of(request: HttpRequest, shown: Model) -> list[Panel]:
    """The panels of a row's page."""
    return [panel for make in _makers if (panel := make(request, shown)) is not None]


def say_what_is_held(say: Held) -> Held:
    """Decorator: ask it which of a page's rows are on legal hold, all at once."""
    if say not in _held:
        _held.append(say)
    return say


def held(model: type[Model], keys: Collection[Any]) -> set[Any]:
    """The keys of the rows on legal hold."""
    return set().union(*(say(model, keys) for say in _held)) if keys else set()
