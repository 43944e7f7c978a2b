"""Turning facts into words, for the templates of the policy."""

from collections.abc import Mapping
from typing import Any

from django import template

from crasme.kit.calendar import Period
from privacy.policy.words import CATEGORIES

register = template.Library()


@register.filter
def period(iso: str) -> str:
    """ "P24M" → "24 months", in the active language; empty stays empty."""
    return Period.parse(iso).words() if iso else ""


@register.filter
def of_category(tables: Mapping[str, Mapping[str, Any]], category: str) -> list[Mapping[str, Any]]:
    return [table for table in tables.values() if table["category"] == category]


@register.filter
def serving(tables: Mapping[str, Mapping[str, Any]], purpose: str) -> list[str]:
    """The titles of the categories of data that serve a purpose, in the policy's order."""
    used = {table["category"] for table in tables.values() if purpose in table["purposes"]}
    return [str(words.title) for category, words in CATEGORIES.items() if category.value in used]


@register.filter
def of_kind(recipients: Mapping[str, Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [recipient for recipient in recipients.values() if recipient["kind"] == kind]


@register.filter
def in_order(facts: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """(key, fact) by the facts' own position: what comes from a stored snapshot has lost its order."""
    return sorted(facts.items(), key=lambda item: (item[1]["position"], item[0]))
