"""Counts by table, as people read them: with the titles of the data map, in its order (JSON columns keep none)."""

from collections.abc import Mapping

from django import template

from crasme.kit import datamap
from privacy.words import named

register = template.Library()


@register.filter
def by_table(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """[(title, rows), …] of {label: rows}; a table that has left the data map since keeps its label."""
    order = {view.key: named(view) for view in datamap.views()}
    known = [(title, counts[key]) for key, title in order.items() if key in counts]
    return known + [(key, rows) for key, rows in sorted(counts.items()) if key not in order]
