"""Shared fixtures: a database that stays whole between tests, a mailbox, a browser and a worker, all of them real."""

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.utils import translation
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django import DjangoDbBlocker, Settings
from pytest_django.live_server_helper import LiveServer

from crasme.embedded import processes
from crasme.kit import limits
from retention import gate
from tests import template
from tests.flush import keep_seeds
from tests.mailbox import Mailbox

QUEUES = "celery,clock,mail,export,erasure,retention,webhooks"
WORKER = [sys.executable, "-m", "celery", "-A", "crasme", "worker", "--pool", "solo", "--loglevel", "INFO"]
WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# How long an example takes says something of the machine and what else it does, nothing of the code.
hypothesis_settings.register_profile("crasme", deadline=None)
hypothesis_settings.load_profile("crasme")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", dest="pictures", help="a folder; the tour of tests/browser/test_slice.py fills it")


def pytest_configure() -> None:
    # WhiteNoise would look through two hundred files for every test client; asked for a file, it finds it either way.
    django_settings.WHITENOISE_AUTOREFRESH = True


def pytest_collection_finish() -> None:
    """What is loaded by now stays: a garbage collector that walks it again and again takes a seventh of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


# --- PostgreSQL and Valkey -------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: a copied database, whose first rows are remembered for every flush."""
    with django_db_blocker.unblock():
        template.connect_tests(Path(os.environ["TEST_SERVERS"]), os.environ.get("PYTEST_XDIST_WORKER", ""))
        keep_seeds(connection)
        yield
        connection.close()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Counters of sign-in attempts and of throttles must not leak from test to test; the broker's keys stay."""
    yield
    limits.forget()
    client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
    if keys := list(client.scan_iter(match=f"{cache.key_prefix}:*", count=1000)):
        client.delete(*keys)


@pytest.fixture(autouse=True)
def _empty_erasure_ledger() -> Iterator[None]:
    """It lies outside of the database, so it is not emptied with it; set up first, it goes after the rows have gone."""
    ledger, yielded = Path(django_settings.ERASURE_LEDGER_URL), None
    yield yielded
    ledger.unlink(missing_ok=True)
    gate.forget()


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """A request in German leaves its language to the thread; the next test begins in the site's own."""
    with translation.override(django_settings.LANGUAGE_CODE):
        yield


# --- mail ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def _mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture
def mail_sink(_mailbox: Mailbox, settings: Settings) -> Mailbox:
    """A real SMTP server on loopback that Django and the worker process send to; empty at the start of the test."""
    _mailbox.clear()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", _mailbox.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    return _mailbox


# --- a worker --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def worker_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the worker of `celery_worker_process` has said so far."""
    return tmp_path_factory.mktemp("worker") / "worker.log"


@pytest.fixture(scope="session")
def _worker(django_db_setup: None, _mailbox: Mailbox, worker_log: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = worker_log
    url, name = os.environ["DATABASE_URL"], str(connection.settings_dict["NAME"])
    child = processes.spawn(
        [*WORKER, "--queues", QUEUES],
        log=log,
        environment=os.environ
        | {"DATABASE_URL": f"{url.rpartition('/')[0]}/{name}", "EMAIL_URL": f"smtp://127.0.0.1:{_mailbox.port}"},
        folder=Path(__file__).parent.parent,
    )
    try:
        ready = processes.wait_until(lambda: b" ready." in log.read_bytes() or child.poll() is not None, 60)
        assert ready
        assert child.poll() is None, f"the worker did not start:\n{processes.last_lines(log, 40)}"
        yield child
    finally:
        processes.stop_child(child, processes.SOFTLY)


@pytest.fixture
def celery_worker_process(
    transactional_db: None, _worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> subprocess.Popen[bytes]:
    """A real Celery worker on the test database, every queue; started once, so a test must not end it."""
    assert _worker.poll() is None, "an earlier test ended the shared worker"
    # A test that took the broker away may have been the last one; this process then leaves it alone for a while.
    monkeypatch.setattr("privacy.wake._quiet_until", 0.0)
    return _worker


# --- a browser -------------------------------------------------------------------------------------------------------
def _runs(name: str) -> bool:
    """Some systems have a `chromium-browser` that only says how to install one."""
    path = shutil.which(name)
    return path is not None and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """The machine's Chromium or Chrome, else the one that Playwright itself has installed."""
    found = next(filter(_runs, BROWSERS), None)
    # Playwright's synchronous interface keeps an event loop in this thread, which Django takes for asynchronous code.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = playwright.chromium.launch(executable_path=found and shutil.which(found), args=list(BROWSER_FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Generator[Page]:
    """A fresh browser page (no cookies) on the live server: `page.goto("/requests/new/")`."""
    context = browser.new_context(base_url=live_server.url, locale="en-GB")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()
