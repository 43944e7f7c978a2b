"""How the public pages look and behave in a real browser: both themes, desk and phone, without and with a language.

What could go wrong is invisible to a test of HTML: a style that the content policy blocks, a table that makes a phone
scroll sideways, a colour that is too pale in the dark theme, a label that belongs to no input.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from privacy.models import PolicyVersion
from privacy.policy.seeds import RIGHTS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVERY_KIND = "/requests/new/?" + "&".join(f"kind={row['kind']}" for row in RIGHTS)
PAGES = (
    "/",
    "/policy/",
    "/policy/2026.02/",
    "/requests/new/",
    EVERY_KIND,
    "/cookies/",
    "/evidence/verify/?entry=nonsense",
)
THEMES = ("light", "dark")
WIDTHS = (1280, 390, 320)

# Text against the nearest background that is not transparent, by WCAG's formula; the browser resolves the colours.
CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const pale = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility({visibilityProperty: true}) || node.closest('.visually-hidden, .skip')) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(rgb(style.color)), light(behind(node))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + .05) / (b + .05);
    if (ratio < (large ? 3 : 4.5)) pale.push(`${node.tagName}.${node.className}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(pale)];
}
"""
UNLABELLED = """
() => [...document.querySelectorAll('input, select, textarea')]
  .filter(field => field.type !== 'hidden' && !field.labels?.length && !field.ariaLabel)
  .map(field => field.outerHTML)
"""


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Iterator[Any]:
    """`visit("/", width=390)` opens a fresh page; complaints of the browser fail the test at its end."""
    complaints: list[str] = []
    contexts = []

    def open_page(path: str, *, width: int = 1280, locale: str = "en-GB", **options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            locale=locale,
            viewport={"width": width, "height": 900},
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        response = page.goto(path)
        assert response is not None
        assert response.ok, f"{path}: {response.status}"
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_and_is_readable(visit: Any, path: str) -> None:
    page = visit(path)
    assert page.locator("h1").count() == 1
    assert page.evaluate(UNLABELLED) == []
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert page.evaluate(CONTRAST) == [], theme
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"scrolls sideways at {width}"


def test_the_keyboard_reaches_the_content_first(visit: Any) -> None:
    page = visit("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_targets_are_large_enough_for_a_thumb(visit: Any) -> None:
    """WCAG 2.5.8: 24 by 24 pixels at least, links within a sentence excepted."""
    small = visit("/", width=390).evaluate(
        """() => [...document.querySelectorAll('header a, header summary, .button, .card, footer li a')]
            .map(node => [node.textContent.trim(), node.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 || box.width < 24).map(([text]) => text)"""
    )
    assert small == []


@pytest.mark.slow
def test_a_language_is_switched_without_a_script_and_mirrors_the_page(visit: Any) -> None:
    page = visit("/policy/", width=390, java_script_enabled=False)
    page.locator(".language summary").click()
    page.locator(".language button[value=ar]").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "ar")


@pytest.mark.slow
def test_the_mirrored_page_does_not_scroll_sideways(visit: Any) -> None:
    for path in ("/", "/policy/"):
        page = visit(path, width=390, locale="ar")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_a_right_on_the_start_page_leads_to_its_form(visit: Any) -> None:
    page = visit("/")
    page.get_by_role("link", name="Delete your data").click()
    expect(page.get_by_role("heading", name="Delete your data")).to_be_visible()


def test_the_policy_prints_without_its_furniture_and_with_everything_open(visit: Any) -> None:
    page = visit("/policy/")
    page.emulate_media(media="print")
    for hidden in (".site-nav", ".toc", ".language", "#versions"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#information details dl")).to_be_visible()


def test_a_certificate_is_checked_in_the_page(visit: Any) -> None:
    assert PolicyVersion.objects.exists()
    page = visit("/evidence/verify/")
    page.get_by_label("Number of the entry").fill("nonsense")
    page.locator("form").filter(has_text="Number of the entry").get_by_role("button", name="Check").click()
    expect(page.locator(".field.invalid")).to_have_count(1)


def test_a_missing_page_looks_like_the_others(browser: Browser, live_server: LiveServer) -> None:
    page = browser.new_page(base_url=live_server.url)
    response = page.goto("/nothing/here/")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    expect(page.locator(".site-header")).to_be_visible()
    page.close()
