"""What would be published, as pages that a browser can be shown without a web server.

What could go wrong: something has a say in what is drawn and is not part of the look, so that a changed notice passes
with old figures. So the look covers the banner's markup, its style sheet, both scripts, and the site's own style sheet.
"""

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.loader import render_to_string
from django.utils import translation

from consent import look
from crasme.kit.canonical import digest

DRAWN: Final = ("consent/boot.js", "consent/consent.js", "portal/portal.css")
_SHEET = re.compile(r"consent/consent(\.[0-9a-f]+)?\.css")


@dataclass(frozen=True, slots=True)
class Subject:
    """One language: a whole page with the banner on it, and the banner's style sheet."""

    language: str
    look: str
    html: str
    sheet: str

    def file(self, name: str) -> tuple[bytes, str] | None:
        """A static file and its type, by its path below STATIC_URL; None when there is none."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if _SHEET.fullmatch(name):
            return self.sheet.encode(), kind
        if found := finders.find(name):
            return Path(str(found)).read_bytes(), kind
        if not staticfiles_storage.exists(name):
            return None
        with staticfiles_storage.open(name) as file:
            return file.read(), kind


def of(contents: Iterable[dict[str, Any]]) -> list[Subject]:
    """Pages for contents that `notices.compose` made, in their languages."""
    return [_subject(content) for content in contents]


def look_of(content: dict[str, Any]) -> str:
    """SHA-256 in hex of everything that is drawn; the same for the same words under another version number."""
    with translation.override(content["language"]):
        return digest({"html": look.markup(content | {"version": 0}), "css": look.sheet(), "files": _files()})


def _files() -> list[str]:
    texts = (Path(str(found)).read_text(encoding="utf-8") if (found := finders.find(name)) else "" for name in DRAWN)
    return [look.digest_of(text) for text in texts]


def _subject(content: dict[str, Any]) -> Subject:
    with translation.override(content["language"]):
        draft = content | {"sha256": "0" * 64}
        html = render_to_string("consent/measured.html", {"consent_draft": draft})
    return Subject(content["language"], look_of(content), html, look.sheet())


def static_name(path: str) -> str | None:
    """The name below STATIC_URL of a request's path; None for another address."""
    prefix = "/" + settings.STATIC_URL.strip("/") + "/"
    return path.removeprefix(prefix) if path.startswith(prefix) else None
