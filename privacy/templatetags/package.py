"""The readable part of a copy."""

from collections.abc import Iterable
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def lists(rows: Iterable[Iterable[tuple[str, str]]]) -> SafeString:
    """Rows of (meaning, text) pairs as a <dl> each. A copy has thousands of pairs: a loop in the template is slow, and
    so is Django's own `escape`, which asks each text first whether it is still to be translated.
    """
    return mark_safe("\n".join(f'<dl class="row">{_pairs(row)}</dl>' for row in rows))  # noqa: S308  (see `_pairs`)


def _pairs(row: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<dt>{escape(meaning)}</dt><dd dir="auto">{escape(text)}</dd>' for meaning, text in row)
