"""Words for what rows hold as codes, on the desk's pages."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from privacy import readable, troubles

register = template.Library()


@register.filter
def trouble(code: str) -> SafeString | str:
    """Why a piece of work stopped, with its code."""
    return troubles.shown(code)


@register.filter
def letter_title(name: str) -> str:
    """What staff call the letter."""
    return readable.letter(name)


@register.filter
def particulars(facts: dict[str, Any]) -> SafeString:
    """An entry's facts in one line: what they are called, ids and digests by their ends (the whole in a tooltip)."""
    return readable.line(facts)
