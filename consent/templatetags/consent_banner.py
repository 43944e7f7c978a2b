"""`{% consent_boot %}` in <head>, before any other script; `{% consent_banner %}` once, at the end of <body>.

The HTML is the same for every visitor, so pages stay cacheable: the script, or without scripts one style sheet, hides
it from those who have chosen.

    {% consent_frame "analytics" "https://video.example/1" "How to export" %}   a frame that waits for a permission
"""

from typing import Any

from django import template
from django.conf import settings
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from consent import look, notices, origins
from consent.errors import ConsentError

register = template.Library()


@register.inclusion_tag("consent/boot.html", takes_context=True)
def consent_boot(context: template.Context) -> dict[str, Any]:
    """The script that knows what was chosen; nothing when no notice is published."""
    notice = _notice(context)
    if notice is None:
        return {}
    waiting = origins.categories()
    return {
        "asked": _asked(notice),
        "categories": [category | {"reload": category["slug"] in waiting} for category in notice["categories"]],
        "google": _google(),
    }


@register.inclusion_tag("consent/banner.html", takes_context=True)
def consent_banner(context: template.Context) -> dict[str, Any]:
    """Renders the notice of the active language; nothing when none is published. On /cookies/ only the script."""
    notice = _notice(context)
    if notice is None:
        return {}
    return look.context(notice) | {"consent_page": context.get("consent_page", False)}


@register.simple_tag
def consent_frame(slugs: str, src: str, title: str) -> SafeString:
    """A frame of another site that loads once the categories are allowed; without scripts a plain link to it."""
    return format_html(
        '<iframe data-consent="{}" data-src="{}" title="{}" hidden></iframe>'
        '<noscript><p><a href="{}" rel="noreferrer">{}</a></p></noscript>',
        *(escape(text) for text in (slugs, src, title, src, title)),  # a text in a template counts as safe otherwise
    )


def _notice(context: template.Context) -> dict[str, Any] | None:
    """A page may bring a notice that is not published yet, to be looked at."""
    try:
        draft: dict[str, Any] | None = context.get("consent_draft")
        return draft or notices.current()
    except ConsentError:
        return None


def _asked(notice: dict[str, Any]) -> int:
    return max((category["asked"] for category in notice["categories"]), default=0)


def _google() -> str:
    """The signals of Google Consent Mode and the category that grants each, as the script reads them."""
    return " ".join(f"{signal}={slug}" for signal, slug in settings.CONSENT_GOOGLE_SIGNALS.items())
