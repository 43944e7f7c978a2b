"""How a mail is shown in the back office: as its reader sees it, in both themes, and as plain text.

What could go wrong: HTML from a letter acts in the admin. It stands in frames that may run nothing and lead nowhere.
"""

from typing import Any

from django.utils.translation import get_language_info

from privacy.correspondence import preview
from privacy.correspondence.render import Rendered


def pictures(mail: Rendered | None, language: str) -> dict[str, Any]:
    """What templates/admin/privacy/mail.html shows; empty without a mail."""
    if mail is None:
        return {}
    themes = [(theme, preview.themed(mail.html, theme)) for theme in ("light", "dark")]
    return {"mail": mail, "themes": themes, "direction": direction(language)}


def direction(language: str) -> str:
    return "rtl" if get_language_info(language)["bidi"] else "ltr"
