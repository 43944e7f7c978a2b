"""What the record of a letter does not hold, marked for whoever reads it: the link, the code, somebody's address.

What could go wrong: a page that looks as if a letter had been sent with holes in it, or words of a person taken for
such a place (only what we have sent is marked, and everything is escaped).
"""

import re
from dataclasses import dataclass

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import override

from privacy.correspondence.render import hidden


@dataclass(frozen=True, slots=True)
class Marked:
    """`any` says whether something is marked in `text`."""

    text: SafeString
    any: bool


def marked(text: str, language: str) -> Marked:
    """The record of a letter as HTML, its withheld places as <span class="withheld">."""
    places = _places(language)
    pieces = re.split("(" + "|".join(map(re.escape, places)) + ")", text)
    shown = [_mark(piece) if piece in places else conditional_escape(piece) for piece in pieces]
    return Marked(mark_safe("".join(shown)), len(pieces) > 1)  # noqa: S308  (each piece is escaped)


def _mark(place: str) -> SafeString:
    return format_html('<span class="withheld">{}</span>', place.strip("[]"))


def _places(language: str) -> frozenset[str]:
    """As they stand in records of this language, and in those from before it was translated."""
    found: set[str] = set()
    for each in (language, "en"):
        with override(each):
            for value in hidden().values():
                found.update(value if isinstance(value, list) else [value])
    return frozenset(found)
