"""The facts of the policy, read from the rows that the software itself obeys. The templates get these and nothing else.

What could go wrong: a sentence that says "24 months" while the engine deletes after 25. There is no such sentence:
periods come from the retention rules in force, fields from the data map, cookies from the registry that the server
enforces, the time to answer from the clock that the deadlines are reckoned by.

A fact is JSON: {section: {key: {…}}}, in the active language where it is prose. Keys, not positions, name things, so
that two sets of facts can be compared (privacy.policy.drift).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from consent import parties, registry
from consent.models import Category as CookieCategory, Cookie
from crasme.kit import datamap
from crasme.kit.calendar import Period
from crasme.kit.datamap import Category
from privacy.clock.rules import PROMISE_DAYS
from privacy.models import Controller, Recipient, Right
from privacy.models.registers import THE_ONE
from retention import fields
from retention.errors import RuleBroken
from retention.models import Rule

Facts = dict[str, Any]


def collect(now: datetime, *sections: str) -> Facts:
    """Everything the page says, or the named sections of it, in the active language. A query for most sections.

    Raises Controller.DoesNotExist when bare.
    """
    return {name: _SECTIONS[name](now) for name in sections or _SECTIONS}


_SECTIONS: dict[str, Callable[[datetime], Facts]] = {
    "controller": lambda now: _controller(),
    "answer": lambda now: {"period": Period(days=PROMISE_DAYS).isoformat()},
    "tables": lambda now: {table.label: _table(table) for table in _told()},
    "recipients": lambda now: {each.slug: _recipient(each) for each in Recipient.objects.active()},
    "rights": lambda now: {right.kind: _right(right) for right in Right.objects.open()},
    "cookies": lambda now: {
        category.slug: _cookie_category(category, rows) for category, rows in registry.read_in_force().rows
    },
    "rules": lambda now: {rule.slug: _rule(rule) for rule in Rule.objects.in_force(now)},
}


def _controller() -> Facts:
    row = Controller.objects.current()
    names = ("company", "product", "contact_email", "postal_address", "website", "minimum_age")
    return {name: getattr(row, name) for name in names}


def consent_controller() -> parties.Controller | None:
    """The controller as records of consent name it; None before the first migration of this room."""
    row = Controller.objects.filter(pk=THE_ONE).first()
    if row is None:
        return None
    website = row.website or settings.SITE_URL
    return parties.Controller(row.company, row.postal_address or website, row.contact_email, website)


def _told() -> list[datamap.Table]:
    """The tables that the policy is about: not those on the company's own people."""
    return [table for table in datamap.tables() if table.category is not Category.STAFF]


def _table(table: datamap.Table) -> Facts:
    return {
        "title": _translated(table.title),
        "category": table.category.value,
        "purposes": [purpose.value for purpose in table.purposes],
        "source": _translated(table.source),
        "fields": {
            name: {"meaning": _translated(declared.meaning), "withheld": _translated(declared.withheld)}
            for name, declared in table.fields.items()
            if _tells_something(table, name, declared)
        },
    }


def _tells_something(table: datamap.Table, name: str, declared: datamap.Field) -> bool:
    """Whether a reader learns anything from a field: not from the machinery, nor from keys that tie rows together."""
    if declared.withheld and declared.sensitivity is datamap.Sensitivity.LOW:
        return False
    column = table.model._meta.get_field(name)
    target = getattr(column, "related_model", None)
    return target is None or not isinstance(datamap.covers(target._meta.label), datamap.Table)


def _recipient(row: Recipient) -> Facts:
    return {
        "name": row.text("name"),
        "kind": row.kind,
        "purpose": row.text("purpose"),
        "country": row.country,
        "safeguards": row.text("safeguards"),
        "policy_url": row.policy_url,
    }


def _right(row: Right) -> Facts:
    return {
        "promise": row.promise,
        "position": row.position,
        "title": row.text("title"),
        "explanation": row.text("explanation"),
    }


def _cookie_category(row: CookieCategory, cookies: list[Cookie]) -> Facts:
    return {
        "title": row.text("title"),
        "purpose": row.text("purpose"),
        "essential": row.essential,
        "position": row.position,
        "cookies": {f"{each.kind}:{each.name}{each.domain}": _cookie(each) for each in cookies},
    }


def _cookie(row: Cookie) -> Facts:
    return {
        "name": row.name,
        "purpose": row.text("purpose"),
        "lifetime": row.lifetime_words,
        "provider": row.service.provider,
        "kind": row.get_kind_display(),
    }


def _rule(row: Rule) -> Facts:
    return {
        "about": _about(row),
        "period": row.period,
        "counted_from": _anchor(row),
        "reason": _translated(row.legal_reason),
        "section": row.policy_section,
    }


def _about(row: Rule) -> list[str]:
    """What the period is of: tables, or the fields of one that end before its rows."""
    tables = [
        table
        for table in _told()
        # What is only kept longer for a hold is the same data.
        if (row.slug == table.ends or row.target == table.label.lower()) and row.carry_to != table.label.lower()
    ]
    if not row.changes_fields:
        return [_translated(table.title) for table in tables]
    try:
        names = [change.name for change in fields.changes(row)]
    except RuleBroken:  # what is published stays readable, whatever became of the columns since
        names = [each.partition(":")[0] for each in row.fields]
    found = []
    for table in tables:
        # A row's own key is renewed as well, and means nothing to a reader.
        meanings = [_translated(table.fields[name].meaning) for name in names if name in table.fields]
        found.append(f"{_translated(table.title)}: {', '.join(meanings)}")
    return found


def _anchor(row: Rule) -> str:
    """What the period is counted from, in the data map's words; empty for rules about no people (backups)."""
    declared = datamap.declarations().get(row.target.lower())
    found = declared.fields.get(row.anchor) if isinstance(declared, datamap.Table) else None
    return _translated(found.meaning) if found else ""


def _translated(text: str) -> str:
    """gettext of an English text that ships; the empty one stays empty (gettext would answer with its header)."""
    return gettext(text) if text else ""
