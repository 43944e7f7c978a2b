"""What a notice looks like: its markup as rendered and its style sheet, frozen with each publication.

What could go wrong: the texts of an old notice are shown in today's layout, and nobody sees that the refusal was once
grey. So the markup and the style sheet are kept beside the content, which names both by their digests.
"""

import hashlib
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from consent.models import Notice

SHEET = "consent/consent.css"
_OWN_HASH = "{{notice}}"


def context(notice: dict[str, Any]) -> dict[str, Any]:
    """What the banner's template is given."""
    categories = [category | {"clears": _clears(category)} for category in notice["categories"]]
    return {"notice": notice, "texts": notice["texts"], "categories": categories}


def markup(content: dict[str, Any]) -> str:
    """The banner of a content. The notice's own digest, which depends on it, is a mark in the text."""
    return render_to_string("consent/notice.html", context(content | {"sha256": _OWN_HASH}))


def sheet() -> str:
    found = finders.find(SHEET)
    return Path(str(found)).read_text(encoding="utf-8") if found else ""


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def document(notice: Notice) -> SafeString:
    """A page of its own that shows the banner as it stood; nothing in it runs or leads anywhere."""
    return format_html(
        '<!doctype html><html lang="{}" dir="{}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>{}</title><style>{}</style></head>'
        "<body>{}</body></html>",
        notice.language,
        notice.content["direction"],
        notice.sha256,
        mark_safe(notice.css),  # noqa: S308  (our own style sheet, as published)
        mark_safe(notice.html.replace(_OWN_HASH, notice.sha256)),  # noqa: S308  (rendered with escaping at publication)
    )


def _clears(category: dict[str, Any]) -> str:
    """Names that the script removes when this category is refused: "kind:name", with spaces."""
    return " ".join(f"{cookie['kind']}:{cookie['name']}" for cookie in category["cookies"] if not cookie["on_request"])
