"""One proof from end to end: read the registry, let the browser walk, compare, keep the result.

What could go wrong: the database is asked while the browser is open (it is not: everything is read before and written
after), or a crawl of one site stamps the table of another (the report names its address and routes).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from consent import origins, registry
from consent.errors import ScanFailed
from consent.models import Cookie, RegistryCheck
from consent.scanning import crawl as walking
from consent.scanning.chromium import chromium
from consent.scanning.compare import Declared, Difference, differences
from consent.scanning.crawl import Prepare, Seen, State

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@dataclass(frozen=True, slots=True)
class Result:
    differences: list[Difference]
    seen: list[Seen]
    check: RegistryCheck


def scan(
    *,
    now: datetime,
    base_url: str = "",
    routes: Sequence[str] = (),
    only: Sequence[str] = (),
    settle: int = 500,
    browser: "Browser | None" = None,
    prepare: Prepare | None = None,
) -> Result:
    """Crawl, compare with the registry in force, and keep the report, which stamps the public table if nothing differs.

    `only` names states, for a quick look; such a report stamps nothing. Raises NoBrowser or ScanFailed.
    """
    declared, sha256 = _declared()
    base_url, routes = (base_url or settings.SITE_URL).rstrip("/"), list(routes or settings.COOKIE_SCAN_ROUTES)
    refusable = list(dict.fromkeys(_refusable()))
    every = walking.states(refusable)
    wanted = [state for state in every if not only or state.name in only]
    if not wanted or set(only) - {state.name for state in every}:
        raise ScanFailed(
            _("There is no such state."), remedy=_("Choose from: ") + ", ".join(state.name for state in every)
        )
    seen = _walk(browser, base_url, routes, wanted, settle, prepare)
    allowed = {slug: origins.of([slug]) for slug in refusable}
    host = urlsplit(base_url).hostname or ""
    found = differences(seen, declared, wanted, host=host, allowed_origins=allowed)
    partial = len(wanted) < len(every)
    check = RegistryCheck(
        sha256="" if partial else sha256,
        checked_at=now,
        revision=os.environ.get("REVISION", "")[:64],
        differences=len(found),
        report={
            "site": base_url,
            "routes": routes,
            "states": [state.name for state in wanted],
            "seen": sorted({f"{each.kind} {each.name}" for each in seen}),
            "differences": [each.plain() for each in found],
        },
    )
    check.save()
    registry.forget()
    return Result(found, seen, check)


def _walk(
    browser: "Browser | None",
    base_url: str,
    routes: Sequence[str],
    wanted: Sequence[State],
    settle: int,
    prepare: Prepare | None,
) -> list[Seen]:
    if browser is not None:
        return walking.crawl(browser, base_url, routes, wanted, settle=settle, prepare=prepare)
    with chromium() as own:
        return walking.crawl(own, base_url, routes, wanted, settle=settle, prepare=prepare)


def _declared() -> tuple[list[Declared], str]:
    """The rows in force. Why no crawl sees one is a note of staff, and not part of what visitors are told."""
    reasons = {(name, kind): why for name, kind, why in Cookie.objects.values_list("name", "kind", "unseen")}
    published = registry.in_force()
    rows = [
        Declared(cookie, category.slug, category.essential, reasons.get((cookie.name, cookie.kind), ""))
        for category, cookies in published.rows
        for cookie in cookies
    ]
    return rows, published.sha256


def _refusable() -> list[str]:
    return [category.slug for category, _cookies in registry.in_force().rows if not category.essential]
