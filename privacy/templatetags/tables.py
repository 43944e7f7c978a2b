"""Counts by table, as people read them: with the titles of the data map, in its order (JSON columns keep none)."""

from collections.abc import Mapping

from django import template

from crasme.kit import datamap

register = template.Library()


@register.filter
def by_table(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """[(title, rows), …] of {label: rows}; a table that has left the data map since keeps its label."""
    order = {table.label: table.title for table in datamap.tables()}
    known = [(title, counts[label]) for label, title in order.items() if label in counts]
    return known + [(label, rows) for label, rows in sorted(counts.items()) if label not in order]
