"""`{% consent_banner %}`: once, at the end of <body>, on every public page.

The HTML is the same for every visitor, so pages stay cacheable: the script, or without scripts one style sheet, hides
it from those who have chosen.
"""

from typing import Any

from django import template

from consent import look, notices
from consent.errors import ConsentError

register = template.Library()


@register.inclusion_tag("consent/banner.html", takes_context=True)
def consent_banner(context: template.Context) -> dict[str, Any]:
    """Renders the notice of the active language; nothing when none is published. On /cookies/ only the script."""
    try:
        notice = notices.current()
    except ConsentError:
        return {}
    return look.context(notice) | {
        "asked": max((category["asked"] for category in notice["categories"]), default=0),
        "consent_page": context.get("consent_page", False),
    }
