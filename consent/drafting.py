"""The registry's rows as they are now: the draft of the next version, and the way back from a version to rows.

What could go wrong: two equal registries with different digests. So every list is sorted by what is unique in it, and
only what means something to a visitor is in it (no ids).
"""

from typing import Any, Final

from consent.models import Category, Cookie, Service
from consent.models.versions import content_digest

CATEGORY: Final = ("slug", "bit", "position", "essential", "off_under_gpc", "title", "purpose", "translations")
SERVICE: Final = ("slug", "name", "provider", "controller", "recipient", "policy_url", "translations")
COOKIE: Final = (
    *("name", "kind", "domain", "path", "service__slug", "category__slug", "lifetime", "purpose", "party"),
    *("http_only", "on_request", "translations"),
)
Content = dict[str, list[dict[str, Any]]]
EMPTY: Final[Content] = {"categories": [], "services": [], "cookies": []}


def content() -> Content:
    """The draft, plain JSON."""
    cookies = Cookie.objects.order_by("name", "kind", "domain", "path").values(*COOKIE)
    return {
        "categories": list(Category.objects.order_by("slug").values(*CATEGORY)),
        "services": list(Service.objects.order_by("slug").values(*SERVICE)),
        "cookies": [{name.removesuffix("__slug"): value for name, value in row.items()} for row in cookies],
    }


def version() -> str:
    """SHA-256 in hex of the draft."""
    return content_digest(content())


def rows(frozen: Content) -> list[tuple[Category, list[Cookie]]]:
    """A version's rows, unsaved, as the pages show them: categories in their order, each with its cookies by name."""
    services = {row["slug"]: Service(**row) for row in frozen["services"]}
    categories = {row["slug"]: Category(**row) for row in frozen["categories"]}
    of: dict[str, list[Cookie]] = {slug: [] for slug in categories}
    for row in frozen["cookies"]:
        slug = row["category"]
        of[slug].append(Cookie(**row | {"service": services[row["service"]], "category": categories[slug]}))
    ordered = sorted(categories.values(), key=lambda each: (each.position, each.slug))
    return [(each, sorted(of[each.slug], key=lambda cookie: cookie.name)) for each in ordered]
