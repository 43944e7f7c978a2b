"""The banner in a real browser, with and without scripts."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from consent import notices, registry
from consent.models import ConsentEvent, Cookie

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Open = Callable[..., Page]


def recorded(count: int) -> list[ConsentEvent]:
    """The choices on the server, once there are so many; they are sent in the background."""
    until = time.monotonic() + 8
    while ConsentEvent.objects.count() < count and time.monotonic() < until:
        time.sleep(0.02)
    rows = list(ConsentEvent.objects.order_by("decided_at", "id"))
    assert len(rows) == count
    return rows


def cookie(page: Page) -> str:
    return next((each["value"] for each in page.context.cookies() if each["name"] == "crasme_consent"), "")


def state(page: Page) -> dict[str, Any]:
    return dict(page.evaluate("crasmeConsent.get()"))


def settled(page: Page) -> None:
    """Nothing is left to send. Asked from outside: the page's own policy forbids what Playwright's waiting does."""
    until = time.monotonic() + 8
    while page.evaluate("localStorage.getItem('crasme_consent_queue')") and time.monotonic() < until:
        page.wait_for_timeout(20)


@pytest.mark.slow
def test_refusing_and_accepting_are_alike_and_one_click_each(visit: Open) -> None:
    for width in (1280, 360):
        page = visit(width=width)
        shapes = []
        for name in ("Refuse all", "Accept all"):
            button = page.get_by_role("button", name=name, exact=True)
            box = button.bounding_box()
            assert box is not None
            look = button.evaluate(
                "each => { const s = getComputedStyle(each); return [s.color, s.backgroundColor, s.font, s.border] }"
            )
            shapes.append((round(box["width"]), round(box["height"]), round(box["y"]), look))
        assert shapes[0] == shapes[1]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # Whoever has not answered yet can read: on a phone, too, most of the screen is the page's.
        assert page.evaluate("document.querySelector('.consent-box').offsetHeight / innerHeight") < 0.34
        assert page.locator("#consent input:checked:not(:disabled)").count() == 0
        assert state(page) == {
            "essential": True, "functional": False, "analytics": False, "performance": False, "decided": False,
        }  # fmt: skip
        page.get_by_role("button", name="Refuse all", exact=True).click()
        expect(page.locator("#consent")).to_be_hidden()
        expect(page.get_by_role("status").last).to_have_text("Your choice is saved.")
        settled(page)
        page.reload()
        expect(page.locator("#consent")).to_be_hidden()
        assert cookie(page).startswith("1.1.1.-.")
    assert [row.action for row in recorded(2)] == ["refuse-all", "refuse-all"]


def test_a_choice_by_category_runs_what_was_allowed_and_nothing_else(visit: Open) -> None:
    page = visit()
    page.route("**/tags/*", lambda route: route.fulfill(content_type="text/javascript", body="ran.push(1)"))
    page.evaluate(
        """() => { for (const slug of ['analytics', 'performance']) {
            const script = Object.assign(document.createElement('script'), {type: 'text/plain', src: `/tags/${slug}`});
            script.dataset.consent = slug;
            document.body.append(script);
        } window.ran = []; window.heard = []; crasmeConsent.on((now) => heard.push(now.analytics)) }"""
    )
    page.get_by_text("Choose one by one").click()
    page.get_by_role("checkbox", name="Analytics").check()
    with page.expect_response("**/tags/analytics"):
        page.get_by_role("button", name="Save my choice").click()
    settled(page)
    assert page.evaluate("heard") == [False, True]
    kinds = page.evaluate("['analytics', 'performance'].map((slug) => document.querySelector(`[src$=${slug}]`).type)")
    assert kinds == ["", "text/plain"]
    assert page.evaluate("ran") == [1]
    (row,) = recorded(1)
    assert (row.action, row.surface) == ("save", "banner")
    assert row.choices == {"essential": True, "functional": False, "analytics": True, "performance": False}
    assert row.decided_at <= row.received_at


@pytest.mark.slow
def test_closing_is_refusing_and_escape_is_closing(visit: Open) -> None:
    page = visit()
    page.keyboard.press("Escape")  # meant for something else: the focus is not in the banner
    expect(page.locator("#consent")).to_be_visible()
    page.get_by_role("button", name="Refuse all", exact=True).focus()
    page.keyboard.press("Escape")
    expect(page.locator("#consent")).to_be_hidden()
    (row,) = recorded(1)
    assert row.action == "close"
    assert not any(yes for slug, yes in row.choices.items() if slug != "essential")


@pytest.mark.slow
def test_the_way_back_is_on_every_page_and_withdraws(
    visit: Open, declare: Callable[..., Cookie], now: datetime
) -> None:
    declare("_stats*", "analytics")
    declare("_visits", "analytics", kind="local", lifetime="persistent")
    notices.publish(actor="staff:1", now=now, asks_again=["analytics"])
    page = visit()
    page.get_by_role("button", name="Accept all").click()
    settled(page)
    link = page.get_by_role("contentinfo").get_by_role("link", name="Cookie settings")
    link.click()
    expect(page.get_by_role("heading", name="Cookies on this site")).to_be_focused()
    expect(page.get_by_role("checkbox", name="Analytics")).to_be_checked()
    page.keyboard.press("Escape")  # the settings are left, and the choice stays
    expect(link).to_be_focused()
    assert state(page)["analytics"]
    link.click()
    page.evaluate(
        "() => { for (const name of ['unrelated', '_stats_7']) document.cookie = `${name}=1; path=/`;"
        " localStorage.setItem('_visits', '1'); localStorage.setItem('draft', '1') }"
    )
    page.get_by_role("button", name="Refuse all", exact=True).click()
    settled(page)
    assert not state(page)["analytics"]
    assert {each["name"] for each in page.context.cookies()} == {"crasme_consent", "unrelated"}
    assert page.evaluate("Object.keys(localStorage)") == ["draft"]
    rows = recorded(2)
    assert [row.action for row in rows] == ["accept-all", "refuse-all"]
    assert len({row.visitor for row in rows}) == 1


@pytest.mark.slow
def test_a_choice_outlives_a_dead_network(visit: Open) -> None:
    page = visit()
    page.route("**/consent/events/", lambda route: route.abort())
    page.get_by_role("button", name="Refuse all", exact=True).click()
    expect(page.locator("#consent")).to_be_hidden()
    assert cookie(page).startswith("1.1.1.-.")
    assert not ConsentEvent.objects.exists()
    page.unroute("**/consent/events/")
    page.reload()
    settled(page)
    assert recorded(1)[0].action == "refuse-all"


@pytest.mark.slow
def test_the_newest_choice_stays_when_an_older_one_is_answered_late(visit: Open) -> None:
    page = visit()
    held: list[Any] = []
    page.route("**/consent/events/", lambda route: route.continue_() if held else held.append(route))
    page.evaluate("() => { crasmeConsent.set({analytics: true}); crasmeConsent.set({}) }")
    page.wait_for_timeout(50)
    assert not state(page)["analytics"]
    held[0].continue_()
    settled(page)
    assert cookie(page).startswith("1.1.1.-.")
    assert [row.choices["analytics"] for row in recorded(2)] == [True, False]


@pytest.mark.slow
def test_blocked_storage_costs_nothing_but_the_retry(visit: Open) -> None:
    page = visit()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('blocked') } });"
        "Object.defineProperty(navigator, 'sendBeacon', { value: undefined })"  # some browsers can switch it off
    )
    page.reload()
    page.get_by_role("button", name="Accept all").click()
    assert recorded(1)[0].action == "accept-all"
    assert state(page)["analytics"]


@pytest.mark.slow
def test_the_signal_is_shown_and_an_explicit_choice_wins(visit: Open) -> None:
    page = visit(gpc=True)
    expect(page.locator("[data-consent-gpc]")).to_be_visible()
    page.get_by_role("button", name="Accept all").click()
    settled(page)
    assert state(page)["analytics"]
    (row,) = recorded(1)
    assert row.gpc
    page.context.add_cookies([{"name": "crasme_consent", "value": cookie(page).replace(".g.", ".-."), "url": page.url}])
    page.reload()
    now = state(page)
    assert (now["analytics"], now["functional"]) == (False, True)


@pytest.mark.slow
def test_the_focus_is_never_under_the_banner(visit: Open) -> None:
    """WCAG 2.2, 2.4.11, and more: whatever fits above the banner is wholly in sight when it has the focus."""
    page = visit(width=360)
    for _step in range(25):
        page.keyboard.press("Tab")
        hidden = page.evaluate(
            """() => { const each = document.activeElement, box = each.getBoundingClientRect();
                if (each === document.body || each.closest('#consent')) return '';
                const banner = document.querySelector('#consent form').getBoundingClientRect();
                const fits = box.height < banner.top;
                return box.top >= banner.top || (fits && box.bottom > banner.top) ? each.outerHTML : '' }"""
        )
        assert hidden == ""


def test_without_scripts_the_banner_is_a_form(visit: Open) -> None:
    page = visit(javascript=False)
    expect(page.locator("#consent")).to_be_visible()
    page.get_by_role("button", name="Refuse all", exact=True).click()
    assert page.url.endswith("/policy/")
    expect(page.locator("#consent")).to_be_hidden()
    (row,) = recorded(1)
    assert (row.surface, row.action) == ("no-js", "refuse-all")
    page.goto("/cookies/")
    page.get_by_role("checkbox", name="Functional").check()
    page.get_by_role("button", name="Save my choice").click()
    expect(page.get_by_role("status")).to_contain_text("Your choice is saved.")
    assert recorded(2)[1].choices["functional"] is True
    page.get_by_role("button", name="Withdraw everything").click()
    assert cookie(page).startswith("1.1.1.-.")


@pytest.mark.parametrize("path", ["/policy/", "/preferences/"])  # a long page, and one whose foot is in sight
def test_nothing_is_set_before_a_choice_and_nothing_moves(visit: Open, path: str) -> None:
    page = visit(path)
    page.wait_for_load_state("networkidle")
    cookies = {each["name"] for each in page.context.cookies()}
    assert cookies == ({"crasme_csrf"} if path == "/preferences/" else set())  # a form's, essential
    assert page.evaluate("localStorage.length") == 0
    shift = page.evaluate(
        """() => new Promise((done) => { let sum = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((each) => sum += each.value))
                .observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(sum), 300) })"""
    )
    assert shift == 0


@pytest.mark.slow
def test_a_banner_that_comes_back_asks_only_what_changed(visit: Open, now: datetime) -> None:
    page = visit()
    page.get_by_role("button", name="Accept all").click()
    settled(page)
    notices.publish(actor="staff:1", now=now, asks_again=["analytics"])
    registry.forget()
    notices.forget()
    page.reload()
    page.get_by_text("Choose one by one").click()
    expect(page.get_by_role("checkbox", name="Analytics")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Performance")).to_be_hidden()
    page.get_by_role("button", name="Refuse all", exact=True).click()
    settled(page)
    assert (state(page)["analytics"], state(page)["performance"], state(page)["decided"]) == (False, True, True)
    row = ConsentEvent.objects.order_by("-decided_at").first()
    assert row is not None
    assert (row.asked, row.choices["performance"], row.choices["analytics"]) == (["analytics"], True, False)
    assert row.shown_at is not None
    assert row.shown_at <= row.decided_at
    # The settings, opened on the same page, show everything again.
    page.locator("[data-consent-open]").first.click()
    expect(page.get_by_role("checkbox", name="Performance")).to_be_visible()
