"""The measuring: each language at each width in both themes, and each way to answer really pressed.

What could go wrong: the browser is shown something else than visitors are (it gets the same template, style sheets and
scripts under the same content policy, handed over without a server), or it counts clicks that it never made.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from consent.fairness import probe, rules
from consent.fairness.subjects import Subject, static_name

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

Theme = Literal["light", "dark"]
View = tuple[int, Theme]
HEIGHTS: Final = {1280: 800, 390: 844}  # of a window that is so wide: a desk's and a phone's
VIEWS: Final[tuple[View, ...]] = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))
SITE: Final = "http://measured.localhost"
POLICY: Final = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'"
MOST_TABS: Final = 8


@dataclass(slots=True)
class Measured:
    """`figures` and `pictures` by view ("390-dark"); findings carry the view in which they were made."""

    subject: Subject
    figures: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    findings: list[dict[str, str]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.findings


def measure(
    browser: "Browser", subjects: Sequence[Subject], *, acts: bool = True, views: Iterable[View] = VIEWS
) -> list[Measured]:
    """Every subject in every view; with `acts`, also what each answer does and whether the way back is there."""
    return [_one(browser, subject, acts, views) for subject in subjects]


def _one(browser: "Browser", subject: Subject, acts: bool, views: Iterable[View]) -> Measured:
    done = Measured(subject)
    context = browser.new_context(reduced_motion="reduce", locale=subject.language, base_url=SITE)
    try:
        context.set_default_timeout(10_000)
        context.route("**/*", lambda route: answer(route, subject))
        page = context.new_page()
        page.goto("/")
        for width, theme in views:
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            page.emulate_media(color_scheme=theme)
            _look(page, f"{width}-{theme}", done)
        if acts:
            _act(page, done)
    finally:
        context.close()
    return done


def _look(page: "Page", view: str, done: Measured) -> None:
    figures = page.evaluate(probe.FIGURES)
    figures["order"] = _order(page) if figures["accept"] else []
    done.figures[view] = figures
    done.findings += [{"view": view} | each.plain() for each in rules.judge(figures)]
    banner = page.locator("#consent")
    if banner.count():
        done.pictures[view] = b64encode(banner.screenshot(caret="hide")).decode()


def _order(page: "Page") -> list[str]:
    """What the Tab key reaches in the banner, from its heading on."""
    page.locator("#consent h2").focus()
    reached: list[str] = []
    for _step in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(probe.FOCUSED)
        if not focused:
            break
        reached.append(focused)
    page.evaluate("document.activeElement.blur()")
    return reached


def _act(page: "Page", done: Measured) -> None:
    """Each way to answer, from the beginning, and then the way back."""
    if any(finding["rule"] == "present" for finding in done.findings):
        return
    after: dict[str, dict[str, Any]] = {}
    for name in ("accept-all", "close", "escape", "refuse-all"):
        page.context.clear_cookies()
        page.evaluate("localStorage.clear()")
        page.goto("/")
        clicks = _press(page, name)
        after[name] = page.evaluate(probe.OUTCOME) | {"clicks": clicks}
    link = page.locator("[data-consent-open]")
    if link.count():
        link.first.click()
    after["way-back"] = page.evaluate(probe.OUTCOME)
    done.figures["acts"] = after
    done.findings += [{"view": "acts"} | each.plain() for each in rules.judge_acts(after)]


def _press(page: "Page", name: str) -> int:
    """How many clicks it takes; an answer behind something that must be opened first takes one more."""
    if name == "escape":
        page.locator("#consent h2").focus()
        page.keyboard.press("Escape")
        return 1
    button, clicks = page.locator(f'#consent [name=action][value="{name}"]').first, 1
    if not button.is_visible():
        page.locator("#consent summary").first.click()
        clicks += 1
    button.click()
    return clicks


def answer(route: "Route", subject: Subject) -> None:
    """Give the browser what it asks for, without a server."""
    path = urlsplit(route.request.url).path
    if path == "/":
        headers = {"Content-Security-Policy": POLICY}
        route.fulfill(body=subject.html, content_type="text/html; charset=utf-8", headers=headers)
    elif (name := static_name(path)) is not None and (file := subject.file(name)):
        route.fulfill(body=file[0], content_type=file[1])
    else:
        route.fulfill(status=204 if route.request.method == "POST" else 404, body="")
