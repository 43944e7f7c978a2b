"""The main job, clicked through in a real browser, with a real worker and real mail: a copy, and a deletion.

`make pictures` runs this file with `--pictures docs/pictures` and keeps what the browser showed.
"""

import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from consent.models import ConsentEvent
from crasme.crm.models import Account
from crasme.demo import plan
from crasme.staff.demo import PASSWORD
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from privacy.models import Request
from privacy.states import Outcome, State
from retention import services as retention
from tests.builders import (
    make_account,
    make_billing_profile,
    make_contact,
    make_credential,
    make_device,
    make_events,
    make_integration,
    make_invoice,
    make_note,
    make_user,
)
from tests.mailbox import Mailbox
from tests.waiting import until

ADDRESS = "mira.kovac@customer.example"
pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("celery_worker_process")]
Shoot = Callable[[Page, str], None]


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Shoot:
    """Keeps a picture of the page when pictures are wanted; the window only, as a reader would see it."""
    folder = request.config.getoption("pictures")

    def keep(page: Page, name: str) -> None:
        if folder:
            page.wait_for_timeout(400)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return keep


@pytest.fixture(autouse=True)
def _company(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are taken among other people's data: a desk with a single request looks like no desk."""
    if request.config.getoption("pictures"):
        settings.DEBUG = True
        monkeypatch.setitem(
            plan.SIZES, "tour", plan.Size(organisations=30, accounts=600, events=12_000, requests=150, consents=200)
        )
        call_command("demo", size="tour", stdout=StringIO())
        retention.run_due(timezone.now())


@pytest.fixture
def open_browser(browser: Browser, live_server: LiveServer, settings: Settings) -> Callable[..., BrowserContext]:
    settings.DEMO_SIGN_INS = True
    settings.SITE_URL = live_server.url

    def opened(**options: object) -> BrowserContext:
        context = browser.new_context(
            base_url=live_server.url,
            locale="en-GB",
            viewport={"width": 1440, "height": 900},
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        return context

    return opened


def customer() -> Account:
    """Somebody with rows in every table that the story needs."""
    account = make_account(email=ADDRESS, full_name="Mira Kovač", job_title="Head of dispatch", language="en")
    make_credential(account)
    make_billing_profile(account)
    make_device(account)
    make_integration(account, messages=4)
    make_note(account, contact=make_contact(account))
    now = timezone.now()
    make_events(account, [now - timedelta(days=days) for days in range(40)])
    make_invoice(account, issued_on=date(now.year - 1, 3, 1))
    make_invoice(account, issued_on=date(now.year, 3, 1))
    return account


def test_a_copy_is_asked_for_released_and_fetched(
    open_browser: Callable[..., BrowserContext], mail_sink: Mailbox, shoot: Shoot, tmp_path: Path
) -> None:
    customer()
    _staff(SUPPORT_AGENT, "Ada")
    visitor = open_browser().new_page()
    request = _ask(visitor, mail_sink, "See your data", shoot)
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("Your request")
    until(lambda: _state(request) == State.REVIEW, "the worker to find what is held")

    desk = _sign_in(open_browser(), "ada@staff.crasme.example")
    desk.goto("/admin/privacy/request/")
    shoot(desk, "desk")
    desk.get_by_role("link", name=request.reference).click()
    if Request.objects.filter(pk=request.pk, assignee=None).exists():  # else a rule of the demo has given it away
        _press(desk, "Take it")
    desk.get_by_text("Found", exact=True).first.click()
    shoot(desk, "found")
    _press(desk, "Approve the release")
    until(lambda: _state(request) == State.CLOSED, "the copy to be made")

    visitor.reload()
    expect(visitor.get_by_role("heading", name="Your copy is ready")).to_be_visible()
    shoot(visitor, "status")
    with visitor.expect_download() as download:
        visitor.get_by_role("button", name="Download the copy").click()
    path = tmp_path / "copy.zip"
    download.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert "Mira Kovač" in archive.read("index.html").decode()
    assert any(name.endswith("account.json") for name in names)
    assert any(name.endswith("usageevent.csv") for name in names)
    _read_copy(visitor, path, tmp_path, shoot)


@pytest.mark.slow
def test_a_deletion_takes_two_people_and_leaves_nothing_but_the_invoices(
    open_browser: Callable[..., BrowserContext], mail_sink: Mailbox, shoot: Shoot
) -> None:
    account = customer()
    _staff(PRIVACY_OFFICER, "Clara")
    _staff(PRIVACY_OFFICER, "Dario")
    visitor = open_browser(java_script_enabled=False).new_page()
    request = _ask(visitor, mail_sink, "Delete your data", shoot)
    until(lambda: _state(request) == State.REVIEW, "the worker to make the plan")

    clara = _sign_in(open_browser(), "clara@staff.crasme.example")
    clara.goto(f"/admin/privacy/request/{request.pk}/change/")
    clara.get_by_text("Plan", exact=True).first.click()
    shoot(clara, "plan")
    _press(clara, "Propose the erasure")
    expect(clara.get_by_role("link", name="Approve the erasure")).to_have_count(0)

    dario = _sign_in(open_browser(color_scheme="dark"), "dario@staff.crasme.example")
    dario.goto(f"/admin/privacy/request/{request.pk}/change/")
    _press(dario, "Approve the erasure", password=PASSWORD)
    until(lambda: _state(request) == State.CLOSED, "the erasure")

    account.refresh_from_db()
    assert (account.status, account.email, account.full_name) == (Account.Status.ERASED, "", "")
    assert account.invoices.count() == 2
    request.refresh_from_db()
    assert request.outcome == Outcome.PARTLY
    until(lambda: len(mail_sink.to(ADDRESS)) >= 3, "the answer")
    assert "deleted" in str(mail_sink.to(ADDRESS)[-1]["Subject"])
    visitor.reload()
    expect(visitor.get_by_role("rowheader", name="Invoices")).to_be_visible()
    dario.reload()
    shoot(dario, "erased")


@pytest.mark.slow
def test_the_pages_of_the_policy_and_the_board(open_browser: Callable[..., BrowserContext], shoot: Shoot) -> None:
    _staff(PRIVACY_OFFICER, "Clara")
    visitor = open_browser().new_page()
    visitor.goto("/")
    visitor.get_by_role("button", name="Refuse all", exact=True).click()
    until(ConsentEvent.objects.exists, "the choice to arrive")
    shoot(visitor, "home")
    visitor.goto("/policy/")
    for period in ("90 days", "24 months", "7 years", "30 days"):
        expect(visitor.get_by_text(period).first).to_be_visible()
    shoot(visitor, "policy")
    desk = _sign_in(open_browser(color_scheme="dark"), "clara@staff.crasme.example")
    expect(desk.get_by_text("Hello, Clara")).to_be_visible()
    shoot(desk, "overview")
    desk.goto("/admin/privacy/promises/")
    expect(desk.get_by_text("P8.2").first).to_be_visible()
    shoot(desk, "promises")


def _staff(role: str, name: str) -> None:
    email = f"{name.lower()}@staff.crasme.example"
    if not User.objects.filter(email=email).exists():
        make_user(role, email=email, first_name=name, password=PASSWORD)


def _ask(visitor: Page, mail_sink: Mailbox, wish: str, shoot: Shoot) -> Request:
    """The form, the mail, the link and its button; the request that is then on the screen."""
    visitor.goto("/requests/new/")
    if (refuse := visitor.get_by_role("button", name="Refuse all", exact=True)).is_visible():
        refuse.click()
        visitor.goto("/requests/new/")
    visitor.get_by_label(re.compile(wish)).check()
    visitor.get_by_role("button", name="Go on").click()
    visitor.get_by_label("Your e-mail address").fill(ADDRESS)
    shoot(visitor, "ask")
    visitor.get_by_role("button", name="Send the request").click()
    until(lambda: mail_sink.to(ADDRESS), "the mail with the link")
    mail = mail_sink.to(ADDRESS)[-1]
    link = re.search(r"(/requests/confirm/\S+/)", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert link is not None
    visitor.goto(link[1])
    request = Request.objects.latest("received_at")
    assert request.state == State.RECEIVED, "looking at the link must change nothing"
    visitor.get_by_role("button", name="Yes, go ahead").click()
    expect(visitor.get_by_text(request.reference).first).to_be_visible()
    return request


def _sign_in(context: BrowserContext, email: str) -> Page:
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile("/admin/$"))
    assert User.objects.filter(email=email).exists()
    return page


def _press(page: Page, name: str, *, password: str = "") -> None:
    """A button of the desk, then the button of the page that asks once more; steps up where that is asked for."""
    page.get_by_role("link", name=name).first.click()
    if password and "reauthenticate" in page.url:
        page.get_by_label("Password").fill(password)
        page.get_by_role("button").filter(has_text="Confirm").first.click()
    page.locator("form[method=post] button[type=submit]").last.click()
    expect(page).to_have_url(re.compile(r"/change/"))


def _read_copy(page: Page, path: Path, folder: Path, shoot: Shoot) -> None:
    """The readable page of the copy, opened from the disk as the person would."""
    with zipfile.ZipFile(path) as archive:
        archive.extract("index.html", folder)
    page.goto(f"file://{folder / 'index.html'}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    shoot(page, "copy")


def _state(request: Request) -> str:
    return Request.objects.values_list("state", flat=True).get(pk=request.pk)
