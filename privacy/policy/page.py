"""The policy as a page: sections filled from facts. The same function makes the live page and the frozen one."""

from datetime import date
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from crasme.kit.datamap import Category
from privacy.policy.facts import Facts
from privacy.policy.words import CATEGORIES, PURPOSES, RECIPIENT_KINDS, SECTIONS

# Promised periods first, in the order of the policy; every other rule follows in a table of its own.
PROMISED = ("account-closed", "usage", "billing", "backups")


def context(facts: Facts, *, last_updated: date, number: str) -> dict[str, Any]:
    """What the section templates see. `number` is the version that the text is, or will be, published as."""
    return {
        "facts": facts,
        "sections": SECTIONS,
        "categories": {category.value: words for category, words in CATEGORIES.items()},
        "rights_category": Category.RIGHTS.value,
        "purposes": {purpose.value: words for purpose, words in PURPOSES.items()},
        "recipient_kinds": {kind.value: words for kind, words in RECIPIENT_KINDS.items()},
        "promised": {slug.replace("-", "_"): facts["rules"].get(slug) for slug in PROMISED},
        "other_rules": {slug: rule for slug, rule in facts["rules"].items() if slug not in PROMISED},
        "last_updated": last_updated,
        "number": number,
    }


def body(facts: Facts, *, last_updated: date, number: str) -> SafeString:
    """The sections as HTML in the active language. No request and no static files: it must read the same for years."""
    return render_to_string("portal/policy/body.html", context(facts, last_updated=last_updated, number=number))
