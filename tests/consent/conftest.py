"""What every test of this room needs: no memory of another test's rows, short ways to make a choice and to look."""

import uuid
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route
from pytest_django.live_server_helper import LiveServer

from consent import drafting, notices, registry, services, sightings, topics
from consent.models import Category as CookieCategory, ConsentEvent, Cookie, RegistryVersion, Service
from crasme.kit.ids import uuid7
from crasme.kit.statics import squeeze, squeeze_sheet

FILES = Path(__file__).parents[2] / "consent" / "static" / "consent"
Choose = Callable[..., tuple[ConsentEvent, bool]]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """The process keeps the registry for half a minute; a test's rows are rolled back sooner."""
    for remembering in (registry, notices, sightings, topics):
        remembering.forget()
    yield
    for remembering in (registry, notices, sightings, topics):
        remembering.forget()


@pytest.fixture(autouse=True)
def _any_look_is_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gate asks for is tested in test_fairness.py; elsewhere notices are published without a browser."""
    monkeypatch.setattr("consent.fairness.gate.require", lambda made: None)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def choose(db: None, now: datetime) -> Choose:
    """Record a choice: `choose(action="save", choices={"analytics": True})`; whatever is given wins."""

    def record(**given: Any) -> tuple[ConsentEvent, bool]:
        defaults: dict[str, Any] = {
            "event_id": uuid7(),
            "visitor": uuid.uuid4(),
            "choices": {},
            "action": "save",
            "surface": "api",
            "notice_sha": notices.current("en")["sha256"],
            "language": "en",
            "gpc": False,
            "decided_at": now,
            "now": now,
        }
        return services.record_choice(**defaults | given)

    return record


def put_in_force() -> None:
    """The draft as it is, in force without asking anybody."""
    content = drafting.content()
    RegistryVersion.objects.create(
        number=RegistryVersion.objects.count() + 1, sha256=drafting.version(), content=content,
        published_at=datetime.now(UTC), published_by="test",
    )  # fmt: skip
    registry.forget()


@pytest.fixture
def declare(db: None) -> Callable[..., Cookie]:
    """Declare a cookie: `declare("_stats*", "analytics")`."""

    def make(name: str, category: str, **fields: Any) -> Cookie:
        row = Cookie.objects.create(
            name=name,
            category=CookieCategory.objects.get(slug=category),
            service=Service.objects.get(slug="site"),
            purpose="Counts.",
            **{"lifetime": "P13M"} | fields,
        )
        put_in_force()
        return row

    return make


def ago(now: datetime, **parts: float) -> datetime:
    return now - timedelta(**parts)


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Generator[Callable[..., Page]]:
    """A page in a browser of its own: `visit(javascript=False)`, `visit(gpc=True)`, `visit(width=360)`.

    The banner's files are those that are served in production, without comments and indentation.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(path: str = "/policy/", *, javascript: bool = True, gpc: bool = False, width: int = 1280) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            locale="en-GB",
            java_script_enabled=javascript,
            viewport={"width": width, "height": 760},
            reduced_motion="reduce",
            extra_http_headers={"Sec-GPC": "1"} if gpc else {},
        )
        if gpc:
            context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        context.route("**/static/consent/*", _squeezed)
        context.set_default_timeout(8_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _squeezed(route: Route) -> None:
    file = FILES / urlsplit(route.request.url).path.rpartition("/")[2]
    kind = "text/css" if file.suffix == ".css" else "text/javascript"
    shrink = squeeze_sheet if file.suffix == ".css" else squeeze
    route.fulfill(body=shrink(file.read_text()), content_type=f"{kind}; charset=utf-8")
