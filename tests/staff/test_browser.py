"""The gate and the desk in a real browser: a security key set up and used, and no page that breaks its own policy."""

from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

from tests.builders import make_account, make_user, submit_request

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser's console complains about, policy violations among it."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(f"{page.url}: {message.text}")

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(f"{page.url}: {error}"))
    return heard


def with_security_key(page: Page) -> Any:
    """A key that the browser itself plays, always at hand and always touched."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def sign_in(page: Page, email: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.slow
def test_staff_set_up_a_security_key_and_use_it(page: Page, complaints: list[str]) -> None:
    user = make_user("Privacy officer", email="officer@crasme.com", password=PASSWORD)
    account = make_account()
    with_security_key(page)

    sign_in(page, user.email)
    page.wait_for_url("**/accounts/2fa/")
    page.get_by_role("link", name="Add a key").click()
    page.wait_for_url("**/webauthn/add/")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/recovery-codes/**")
    assert page.get_by_label("Unused codes").input_value()

    for path in ("/admin/", f"/admin/crm/account/{account.pk}/change/", "/admin/privacy/request/", "/admin/promises/"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.ok, path
        page.wait_for_load_state("networkidle")
    page.set_viewport_size({"width": 390, "height": 844})
    request = submit_request()
    for path in (
        f"/admin/privacy/request/{request.pk}/change/", "/admin/privacy/request/", "/admin/retention/rule/",
        "/admin/retention/run/",
    ):  # fmt: skip
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, f"{path} scrolls sideways"
        if path == "/admin/privacy/request/":  # how urgent one is must be seen without scrolling
            box = page.locator("#result_list td.field-clock").first.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 390
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("/admin/")
    page.get_by_role("heading", name="Promises").wait_for()
    page.get_by_text("not measured").first.wait_for()  # fetched after the page

    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially(account.email)
    page.locator(f'#command-results a[href$="/{account.pk}/change/"]').wait_for()
    page.keyboard.press("Enter")  # opens the first
    page.wait_for_url(f"**/{account.pk}/change/")
    for number in range(6):
        make_account(full_name=f"Quendolin Number {number}")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("quendol")
    page.get_by_role("button", name="show all").wait_for()
    for _hit in range(5):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # the button below the hits
    page.wait_for_url("**/crm/account/?search=*")
    assert page.locator("#result_list .data-row").count() == 6
    page.goto("/admin/crm/account/")
    page.fill("#searchbar", account.email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?search=*")
    page.goto("/admin/retention/hold/add/")
    page.locator(".select2-selection").first.click()
    page.keyboard.type(account.email)
    page.locator(".select2-results__option", has_text=account.email).wait_for()
    assert any(url.endswith("/autocomplete/") for url in asked)
    assert not [url for url in asked if "@" in url or "%40" in url]

    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, user.email)
    page.wait_for_url("**/accounts/2fa/authenticate/**")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Use a security key").click()
    page.wait_for_url("**/admin/")
    assert complaints == []


@pytest.mark.slow
def test_without_the_key_the_password_opens_nothing(page: Page) -> None:
    user = make_user("Auditor", email="auditor@crasme.com", password=PASSWORD)
    sign_in(page, user.email)
    page.wait_for_url("**/accounts/2fa/")
    page.goto("/admin/ledger/entry/")
    page.wait_for_url("**/accounts/2fa/")
    assert page.get_by_role("heading", name="Second factor").is_visible()
