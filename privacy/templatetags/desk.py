"""Words for what rows hold as codes, on the desk's pages."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from privacy import readable, troubles
from privacy.correspondence.withheld import Marked, marked as _marked

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


@register.filter
def marked(text: str, language: str) -> Marked:
    """The record of a letter, its withheld places marked: {% with said=message.body|marked:message.language %}."""
    return _marked(text, language)
