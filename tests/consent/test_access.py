"""WCAG 2.2 AA of the banner and the settings page: what axe can tell, and what it cannot."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def faults(page: Page, part: str) -> list[str]:
    found = Axe().run(page, context=part, options=RULES).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:80]}" for each in found]


@pytest.mark.slow
def test_axe_finds_no_fault_and_the_order_is_the_one_on_screen(visit: Callable[..., Page]) -> None:
    page = visit(width=390)
    fading = "getComputedStyle(document.querySelector('.consent-button')).transitionDuration"
    assert page.evaluate(fading) == "0s"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(fading) == "0.15s, 0.15s"
    assert page.evaluate("document.getAnimations().length") == 0, "it is there at once, and costs the page no frames"
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.get_by_text("Choose one by one").click()
    assert faults(page, "#consent") == []
    heard = page.locator("#consent").aria_snapshot()
    told = ("Close and refuse all", "Refuse all", "Accept all", "Save my choice")
    parts = [f'button "{name}"' for name in told] + ['checkbox "Essential', 'link "Every cookie']
    assert sorted(parts, key=heard.index) == [*parts[:3], parts[4], parts[3], parts[5]]
    assert 'region "Cookies on this site"' in heard
    page.set_viewport_size({"width": 1280, "height": 760})
    page.emulate_media(color_scheme="light")
    page.goto("/cookies/")
    assert faults(page, "body") == []


@pytest.mark.slow
def test_zoomed_to_400_percent_the_page_stays_readable(visit: Callable[..., Page]) -> None:
    """1280 by 1024 pixels at 400 %: WCAG 2.2, 1.4.10 and 2.4.11."""
    page = visit(width=320)
    page.set_viewport_size({"width": 320, "height": 256})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('#consent').getBoundingClientRect().top >= innerHeight")
    page.locator("footer [data-consent-open]").click()
    expect(page.get_by_role("heading", name="Cookies on this site")).to_be_in_viewport()
    page.get_by_role("button", name="Refuse all", exact=True).click()
    expect(page.locator("#consent")).to_be_hidden()


@pytest.mark.slow
def test_where_cookies_are_blocked_the_answer_holds_for_the_page(visit: Callable[..., Page]) -> None:
    page = visit()
    page.add_init_script(
        "Object.defineProperty(document, 'cookie', { get() { throw new DOMException('blocked') }, set() {} });"
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get() { throw new DOMException('blocked') } })"
    )
    page.reload()
    assert page.evaluate("crasmeConsent.get('analytics')") is False
    page.get_by_role("button", name="Accept all").click()
    expect(page.locator("#consent")).to_be_hidden()
    assert page.evaluate("crasmeConsent.get('analytics')") is True


@pytest.mark.slow
def test_a_choice_in_one_tab_is_known_in_the_other(visit: Callable[..., Page]) -> None:
    page = visit()
    other = page.context.new_page()
    other.goto("/policy/")
    other.evaluate("() => { window.heard = []; crasmeConsent.on((now) => heard.push(now.analytics)) }")
    page.bring_to_front()
    page.get_by_role("button", name="Accept all").click()
    expect(page.locator("#consent")).to_be_hidden()
    other.bring_to_front()
    other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(other.locator("#consent")).to_be_hidden()
    assert other.evaluate("heard") == [False, True]
