"""Words for what rows hold as codes, on the desk's pages."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from privacy import readable, troubles
from privacy.correspondence.withheld import Marked, marked as _marked
from privacy.models import Correction
from privacy.services.holdings import group_of, title_of

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
def language_title(code: str) -> str:
    """What the language is called."""
    return readable.language(code)


@register.filter
def particulars(facts: dict[str, Any]) -> SafeString:
    """An entry's facts in one line: what they are called, ids and digests by their ends (the whole in a tooltip)."""
    return readable.line(facts)


@register.filter
def marked(text: str, language: str) -> Marked:
    """The record of a letter, its withheld places marked: {% with said=message.body|marked:message.language %}."""
    return _marked(text, language)


@register.filter
def value_title(correction: Correction) -> str:
    """Which value a proposal is about: "Accounts · Job title"; its names in the database when it is no more."""
    try:
        return f"{group_of(correction.label)} · {title_of(correction.label, correction.field)}"
    except LookupError:
        return f"{correction.label} · {correction.field}"


@register.filter
def field_titles(names: list[str], label: str) -> list[str]:
    """What the fields of a table are called; one that is no more keeps its name."""
    return [_title(label, name) for name in names]


def _title(label: str, name: str) -> str:
    try:
        return title_of(label, name)
    except LookupError:
        return name
