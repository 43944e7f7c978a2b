"""What waits for a permission: frames, late scripts, Google's signals, other sites' origins; and the banner's size."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import brotli
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings

from consent import notices, sightings
from consent.models import ConsentEvent, Cookie, CookieSighting
from consent.origins import ConsentedOrigins
from crasme.kit.statics import squeeze, squeeze_sheet
from tests.builders import make_user, sign_in
from tests.consent.conftest import FILES
from tests.consent.test_browser import settled

STATS = {"analytics": {"script-src": ["https://stats.example"], "frame-src": ["https://stats.example"]}}
HERE = {"Sec-Fetch-Site": "same-origin"}


def test_the_banner_is_as_small_as_promised(client: Client, db: None) -> None:
    """As served: 1.5 kB before anything is drawn, 8 kB for everything, the HTML included."""
    boot, script = (squeeze((FILES / name).read_text()).encode() for name in ("boot.js", "consent.js"))
    style = squeeze_sheet((FILES / "consent.css").read_text()).encode()
    page = client.get("/policy/").content
    html = page[page.index(b'<section class="consent"') : page.index(b"</section>", page.index(b'id="consent"'))]
    sizes = [len(gzip.compress(part, 9)) for part in (boot, script, style, html)]
    assert sizes[0] <= 1500
    assert sum(sizes) <= 8000, sizes
    assert len(brotli.compress(boot)) < sizes[0]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_what_waits_for_a_permission(visit: Callable[..., Page], settings: Settings) -> None:
    settings.CONSENT_GOOGLE_SIGNALS = {"analytics_storage": "analytics", "ad_storage": ""}
    page = visit()
    page.context.route("**/late.js", lambda route: route.fulfill(content_type="text/javascript", body="ran = 1"))
    page.context.route("**/outside/*", lambda route: route.fulfill(content_type="text/html", body="<p>seen"))
    page.evaluate(
        """() => { const frame = document.createElement('iframe');
            Object.assign(frame, {title: 'How to export', height: '300'});
            Object.assign(frame.dataset, {consent: 'analytics', src: '/outside/video'});
            document.querySelector('main').prepend(frame) }"""
    )
    stand = page.locator(".consent-frame")
    expect(stand).to_contain_text("once you allow: Analytics")
    assert stand.bounding_box()["height"] >= 300  # type: ignore[index]
    denied = ["consent", "default", {"analytics_storage": "denied", "ad_storage": "denied"}]
    said = "() => dataLayer.map((each) => [...each])"
    assert page.evaluate(said) == [denied]
    stand.get_by_role("button", name="Allow and show: How to export").click()
    expect(page.frame_locator("iframe").get_by_text("seen")).to_be_visible()
    expect(stand).to_have_count(0)
    expect(page.locator("iframe")).to_be_focused()
    granted = {"analytics_storage": "granted", "ad_storage": "denied"}
    assert page.evaluate(said)[-1] == ["consent", "update", granted]
    state = page.evaluate("crasmeConsent.get()")
    assert (state["analytics"], state["performance"], state["decided"]) == (True, False, False)
    expect(page.locator("#consent")).to_be_visible()  # it asks about the others, which were not on screen
    settled(page)
    (row,) = ConsentEvent.objects.all()
    assert (row.asked, row.surface, row.choices["analytics"]) == (["analytics"], "api", True)
    assert page.evaluate("crasmeConsent.get()") == state  # the server's cookie says the same
    # What the server refuses to take is not kept: the frame's category goes back to what was stored, a refusal stays.
    page.context.route("**/consent/events/", lambda route: route.fulfill(status=400, body="{}"))
    page.evaluate("crasmeConsent.set({performance: true})")
    settled(page)
    state = page.evaluate("crasmeConsent.get()")
    assert (state["analytics"], state["performance"], state["decided"]) == (False, False, False)
    page.context.unroute("**/consent/events/")
    page.evaluate("crasmeConsent.set({analytics: true})")
    expect(page.frame_locator("iframe").get_by_text("seen")).to_be_visible()
    # A single-page app adds a script later; it runs without another choice.
    page.evaluate(
        """() => { window.ran = 0; const late = document.createElement('script');
            Object.assign(late, {type: 'text/plain', src: '/late.js'}); late.dataset.consent = 'analytics';
            document.body.append(late) }"""
    )
    expect(page.locator("script[src='/late.js']:not([type])")).to_have_count(1)
    page.evaluate("crasmeConsent.set({})")
    expect(stand).to_be_visible()
    assert page.locator("iframe").get_attribute("src") is None
    assert page.evaluate(said)[-1][2] == {"analytics_storage": "denied", "ad_storage": "denied"}


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_what_outlives_a_refusal_is_told_and_all_else_is_gone(
    visit: Callable[..., Page], declare: Callable[..., Cookie], now: datetime
) -> None:
    declare("_stats*", "analytics")
    declare("__Host-stats", "analytics")
    declare("_hits", "analytics", kind="session", lifetime="session")
    notices.publish(actor="staff:1", now=now)
    page = visit("/policy/2026.02/")
    page.evaluate("crasmeConsent.set({analytics: true})")
    page.evaluate(
        """() => { const kinds = ['/', '/policy', '/policy/', '/policy/2026.02/', '/; domain=localhost'];
            kinds.forEach((kind, i) => document.cookie = `_stats_${i}=1; path=${kind}`);
            document.cookie = '__Host-stats=1; path=/; secure';
            document.cookie = '_stats_p=1; path=/; secure; partitioned; samesite=none';
            document.cookie = '_stats_h=1; path=/policy'; sessionStorage.setItem('_hits', '1') }"""
    )
    page.add_init_script(
        "const own = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');"
        "Object.defineProperty(document, 'cookie', {get: () => own.get.call(document),"
        " set: (text) => text.startsWith('_stats_h=;') || own.set.call(document, text)})"
    )
    page.reload()  # from here on, nobody can remove that one: the server knows no path but its own
    page.evaluate("crasmeConsent.set({})")
    until = time.monotonic() + 8
    while not CookieSighting.objects.exists() and time.monotonic() < until:
        page.wait_for_timeout(20)
    names = {each["name"] for each in page.context.cookies()}  # type: ignore[index]
    assert {name for name in names if "stats" in name} == {"_stats_h"}
    assert page.evaluate("sessionStorage.length") == 0
    found = CookieSighting.objects.values_list("name", "route", "reason", "state")
    assert list(found) == [("_stats*", "/policy/<str:version>/", "survived", "open")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "headers", "status", "rows"),
    [
        ({"names": ["cookie:_stats*", "cookie:crasme_session", "cookie:made-up", 7]}, HERE, 204, 1),
        ({"names": ["cookie:_stats*"]}, {"Sec-Fetch-Site": "cross-site"}, 403, 0),
        ({"names": 5}, HERE, 400, 0),
        ("nothing", HERE, 400, 0),
    ],
)
def test_only_what_is_declared_is_taken_as_a_survivor(
    client: Client, declare: Callable[..., Cookie], now: datetime, body: Any, headers: Any, status: int, rows: int
) -> None:
    declare("_stats*", "analytics")
    notices.publish(actor="staff:1", now=now)
    notices.forget()
    answer = client.post("/consent/events/survivors/", json.dumps(body), content_type="text/plain", headers=headers)
    assert (answer.status_code, CookieSighting.objects.count()) == (status, rows)


def test_a_sighting_is_settled_and_comes_back_unless_ignored(client: Client, db: None, now: datetime) -> None:
    sightings.survived("_stats*", "/policy/")
    sighting = CookieSighting.objects.get()
    sign_in(client, make_user("Privacy officer"))
    for act, then, after in (("resolve", "resolved", "open"), ("ignore", "ignored", "ignored")):
        client.post("/admin/consent/cookiesighting/", {"action": act, "_selected_action": [sighting.pk]})
        sighting.refresh_from_db()
        assert sighting.state == then
        sightings.forget()
        sightings.survived("_stats*", "/policy/")
        sighting.refresh_from_db()
        assert sighting.state == after


def test_origins_are_named_only_to_whom_allowed_them(client: Client, db: None, settings: Settings) -> None:
    settings.CONSENT_ORIGINS = STATS
    client = Client()  # with the middleware in
    before = client.get("/policy/")
    assert "stats.example" not in before["Content-Security-Policy"]
    assert {"Cookie", "Sec-GPC"} <= set(before["Vary"].split(", "))
    assert b"analytics:2:1:gpc:reload" in before.content
    client.cookies["crasme_consent"] = f"1.5.1.-.{'0' * 32}"
    allowed = client.get("/policy/")
    assert "script-src 'self' https://stats.example" in allowed["Content-Security-Policy"]
    assert "frame-src 'self' https://stats.example" in allowed["Content-Security-Policy"]
    assert "private" in allowed["Cache-Control"]
    assert "stats.example" not in client.get("/policy/", headers={"Sec-GPC": "1"})["Content-Security-Policy"]
    settings.CONSENT_ORIGINS = {"analytics": "https://stats.example"}
    with pytest.raises(ImproperlyConfigured, match="lists of origins"):
        ConsentedOrigins(lambda request: before)


def test_a_frame_without_scripts_is_a_link(db: None) -> None:
    html = Template('{% load consent_banner %}{% consent_frame "analytics" "https://x.example/?a=1&b" "A <film>" %}')
    made = html.render(Context())
    assert '<iframe data-consent="analytics" data-src="https://x.example/?a=1&amp;b"' in made
    assert ">A &lt;film&gt;</a></p></noscript>" in made
