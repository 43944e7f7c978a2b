"""The readable part of a copy."""

from collections.abc import Iterable

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def pairs(row: Iterable[tuple[str, str]]) -> SafeString:
    """A row's (meaning, text) pairs as the inside of a <dl>. A copy has thousands: a loop in the template is slow."""
    return mark_safe(  # noqa: S308  (both are escaped)
        "".join(f'<dt>{escape(meaning)}</dt><dd dir="auto">{escape(text)}</dd>' for meaning, text in row)
    )
