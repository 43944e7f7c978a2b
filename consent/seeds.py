"""What this site really sets, and how it asks: the first rows of the registry. Texts are marked for translation.

Rows that exist are never touched again, so what staff change stays changed.
"""

from typing import Any

from django.utils.translation import gettext_noop as _

CATEGORIES: list[dict[str, Any]] = [
    {
        "slug": "essential",
        "bit": 0,
        "position": 1,
        "essential": True,
        "title": _("Essential"),
        "purpose": _("Keep you signed in, protect forms against misuse and remember this choice."),
    },
    {
        "slug": "functional",
        "bit": 1,
        "position": 2,
        "title": _("Functional"),
        "purpose": _("Remember how you like it: language, time zone and display."),
    },
    {
        "slug": "analytics",
        "bit": 2,
        "position": 3,
        "off_under_gpc": True,
        "title": _("Analytics"),
        "purpose": _("Help us see which pages and features are used, so that we can improve them."),
    },
    {
        "slug": "performance",
        "bit": 3,
        "position": 4,
        "off_under_gpc": True,
        "title": _("Performance"),
        "purpose": _("Measure how fast and how reliably the platform answers."),
    },
]

SERVICES: list[dict[str, Any]] = [
    {"slug": "site", "name": _("This site"), "provider": "Concaide"},
    {"slug": "back-office", "name": _("Back office (staff only)"), "provider": "Concaide"},
]

TOPICS: list[dict[str, Any]] = [
    {
        "slug": "announcements",
        "position": 1,
        "title": _("product announcements"),
        "purpose": _("New products and editions, offers and events."),
        "email": "soft-opt-in",
        "phone": "consent",
        "post": "interest",
    },
    {
        "slug": "features",
        "position": 2,
        "title": _("feature updates"),
        "purpose": _("What is new in the product you use, and how to make more of it."),
        "email": "soft-opt-in",
        "sms": "consent",
    },
]

COOKIES: list[dict[str, Any]] = [
    {
        "name": "crasme_consent",
        "service": "site",
        "category": "essential",
        "lifetime": "P6M",
        "purpose": _("Keeps your cookie choice, so that you are not asked again."),
    },
    {
        "name": "crasme_consent_queue",
        "kind": "local",
        "service": "site",
        "category": "essential",
        "lifetime": "persistent",
        "unseen": "Only while a choice cannot be sent.",
        "purpose": _("Holds a choice that could not be sent yet; it is emptied as soon as it has been."),
    },
    {
        "name": "crasme_csrf",
        "service": "site",
        "category": "essential",
        "lifetime": "P1Y",
        "http_only": True,
        "purpose": _("Proves that a form you send came from this site."),
    },
    {
        "name": "crasme_session",
        "service": "site",
        "category": "essential",
        "lifetime": "session",
        "http_only": True,
        "unseen": "Only after signing in, or while a request is being made.",
        "purpose": _("Keeps you signed in, or keeps a request open that you are making."),
    },
    {
        "name": "crasme_request",
        "service": "site",
        "category": "essential",
        "lifetime": "session",
        "http_only": True,
        "unseen": "Only after the link in our mail was followed.",
        "purpose": _("Opens the page of one request for you, after you have followed the link in our mail."),
    },
    {
        "name": "messages",
        "service": "site",
        "category": "essential",
        "lifetime": "session",
        "http_only": True,
        "unseen": "Only on the answer to a form.",
        "purpose": _("Carries a short notice, such as “saved”, to the next page."),
    },
    {
        "name": "crasme_language",
        "service": "site",
        "category": "functional",
        "lifetime": "session",
        "http_only": True,
        "on_request": True,
        "purpose": _("Remembers the language you picked, until you close the browser."),
    },
    {
        "name": "_x_adminTheme",
        "kind": "local",
        "service": "back-office",
        "category": "functional",
        "lifetime": "persistent",
        "on_request": True,
        "purpose": _("Remembers whether the back office is light or dark."),
    },
    {
        "name": "sidebar*",
        "kind": "local",
        "service": "back-office",
        "category": "functional",
        "lifetime": "persistent",
        "on_request": True,
        "purpose": _("Remembers the width of the side bar and whether it is open."),
    },
    {
        "name": "commandHistory",
        "kind": "local",
        "service": "back-office",
        "category": "functional",
        "lifetime": "persistent",
        "on_request": True,
        "purpose": _("Remembers the last searches in the back office."),
    },
]

# The first layer of the notice. Both answers stand side by side and read alike; the order is part of the record.
NOTICE: dict[str, Any] = {
    "title": _("Cookies on this site"),
    "body": _(
        "Essential cookies make the site work. The others stay off unless you switch them on, and you can change your"
        " mind at any time under “Cookie settings” at the foot of every page."
    ),
    "more": _("Choose one by one"),
    "save": _("Save my choice"),
    "close": _("Close and refuse all"),
    "leave": _("Close and change nothing"),
    "always_on": _("always on"),
    "details": _("Every cookie, who sets it and how long it stays"),
    "gpc": _("Your browser asks not to be tracked (Global Privacy Control). We follow that, unless you allow it here."),
    "saved": _("Your choice is saved."),
    "settings": _("Cookie settings"),
    "frame": _("This part comes from {host}. It is shown, and may use cookies, once you allow: {category}."),
    "frame_allow": _("Allow and show"),
    "buttons": [
        {"action": "refuse-all", "label": _("Refuse all")},
        {"action": "accept-all", "label": _("Accept all")},
    ],
}
