"""The walk: every state of consent a visitor can be in, and in each every page, with what the browser then holds.

What could go wrong: a state is not reached and the walk proves nothing (the choice is made with the banner's own
buttons, and its answer awaited), a page is broken and therefore sets nothing (its status is kept and counts as a
difference), a cookie is hidden from scripts (the browser itself is asked, not the page).
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from consent.errors import ScanFailed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

NONE, REFUSED, ALL, WITHDRAWN, GPC = "no choice", "refused", "all", "withdrawn", "gpc"
DAY: Final = 86_400
STORED: Final = """async () => {
    const keys = (name) => { try { return Object.keys(window[name]) } catch { return [] } };
    const bases = indexedDB.databases ? await indexedDB.databases().catch(() => []) : [];
    const stores = window.caches ? await caches.keys().catch(() => []) : [];
    return { local: keys('localStorage'), session: keys('sessionStorage'), indexeddb: bases.map((each) => each.name),
             cache: stores };
}"""
Prepare = Callable[["BrowserContext"], None]


@dataclass(frozen=True, slots=True)
class State:
    """`granted` are the categories that may be used in it, the essential one left out."""

    name: str
    granted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a browser held, or asked of another site, on a route in a state. `days` is None for a session.

    `kind` is "cookie", "local", "session", "indexeddb", "cache", "request" (`name` is an origin) or "broken".
    """

    kind: str
    name: str
    state: str
    route: str
    domain: str = ""
    path: str = ""
    days: float | None = None
    http_only: bool = False


def states(refusable: Sequence[str]) -> list[State]:
    """All of them: nothing chosen, refused, each category alone, all, withdrawn, and the browser's standing signal."""
    alone = [State(f"only {slug}", frozenset({slug})) for slug in refusable]
    return [State(NONE), State(REFUSED), *alone, State(ALL, frozenset(refusable)), State(WITHDRAWN), State(GPC)]


def crawl(
    browser: "Browser",
    base_url: str,
    routes: Sequence[str],
    wanted: Iterable[State],
    *,
    settle: int = 500,
    prepare: Prepare | None = None,
) -> list[Seen]:
    """What was seen, in order. `settle` is how many milliseconds a page may still work after it has loaded; `prepare`
    is given each new browser context (to sign in, to answer requests). ScanFailed when a state cannot be reached.
    """
    found: list[Seen] = []
    for state in wanted:
        context = browser.new_context(
            base_url=base_url, extra_http_headers={"Sec-GPC": "1"} if state.name == GPC else {}, reduced_motion="reduce"
        )
        try:
            if state.name == GPC:
                context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
            if prepare is not None:
                prepare(context)
            found += _Walk(context, base_url, state, settle).along(routes)
        finally:
            context.close()
    return found


class _Walk:
    """One browser context in one state."""

    def __init__(self, context: "BrowserContext", base_url: str, state: State, settle: int) -> None:
        self.state, self.settle = state, settle
        self.own = urlsplit(base_url).netloc
        self.page = context.new_page()
        self.devtools = context.new_cdp_session(self.page)
        self.asked: set[str] = set()
        context.on("request", lambda request: self._note(request.url))

    def along(self, routes: Sequence[str]) -> list[Seen]:
        self._reach(routes)
        return [seen for route in routes for seen in self._look(route)]

    def _reach(self, routes: Sequence[str]) -> None:
        from playwright.sync_api import Error

        name = self.state.name
        if name in {NONE, GPC}:
            return
        self.page.goto(routes[0])
        try:
            if name in {REFUSED, ALL}:
                self._press("refuse-all" if name == REFUSED else "accept-all")
            elif name == WITHDRAWN:
                self._press("accept-all")
                for route in routes:
                    self.page.goto(route)
                self.page.goto(routes[0])
                self.page.locator("[data-consent-open]").first.click(timeout=5_000)
                self._press("refuse-all")
            else:
                self.page.locator("#consent summary").click(timeout=5_000)
                for slug in self.state.granted:
                    self.page.locator(f'#consent input[name=category][value="{slug}"]').check(timeout=5_000)
                self._press("save")
        except Error as error:
            raise ScanFailed(
                _("The state “%(state)s” could not be reached on %(route)s.") % {"state": name, "route": routes[0]},
                remedy=_("Begin with a route that shows the banner, and look at it in a browser."),
            ) from error
        self.asked.clear()

    def _press(self, action: str) -> None:
        with self.page.expect_response(lambda answer: urlsplit(answer.url).path.endswith("/consent/events/")):
            self.page.locator(f'#consent button[value="{action}"]').click(timeout=5_000)

    def _look(self, route: str) -> list[Seen]:
        self.asked.clear()
        answer = self.page.goto(route)
        self.page.wait_for_timeout(self.settle)
        status = answer.status if answer is not None else 0
        found = [] if 200 <= status < 400 else [self._seen("broken", str(status), route)]
        found += [self._seen("request", origin, route) for origin in sorted(self.asked)]
        for each in self.devtools.send("Network.getAllCookies")["cookies"]:
            found.append(self._cookie(each, route))
        return found + [seen for frame in self.page.frames for seen in self._stored(frame, route)]

    def _stored(self, frame: Any, route: str) -> list[Seen]:
        from playwright.sync_api import Error

        try:
            kinds: dict[str, list[str]] = frame.evaluate(STORED)
        except Error:  # a frame that is already gone, or one that may hold nothing
            return []
        host = urlsplit(frame.url).hostname or ""
        return [self._seen(kind, key, route, domain=host) for kind, keys in kinds.items() for key in keys]

    def _cookie(self, each: dict[str, Any], route: str) -> Seen:
        days = None if each["session"] else (each["expires"] - time.time()) / DAY
        return self._seen(
            "cookie",
            each["name"],
            route,
            domain=each["domain"],
            path=each["path"],
            days=days,
            http_only=each["httpOnly"],
        )

    def _seen(self, kind: str, name: str, route: str, **more: Any) -> Seen:
        return Seen(kind=kind, name=name, state=self.state.name, route=route, **more)

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self.own:
            self.asked.add(f"{parts.scheme}://{parts.netloc}")
