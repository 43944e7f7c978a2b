"""A real Chromium for the proofs of this room, the crawl and the fairness gate.

What could go wrong: the machine has none (an error says what to install, and nothing is reported as proved), or the
caller asks the database while it is open: Playwright keeps an event loop in the thread, and Django then refuses. So
whoever uses it reads before and writes after.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from consent.errors import NoBrowser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """The machine's Chromium or Chrome, else the one that Playwright has installed. NoBrowser when there is neither."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise NoBrowser(
            _("This needs a browser, and the package that drives one is not installed."),
            remedy=_(
                "Locally, run `make dev browser` beside `make run`. Elsewhere, install the package playwright and"
                " Chromium on the machine that runs it; see docs/operations.md."
            ),
        ) from None
    found = next(filter(None, map(_working, NAMES)), None)
    # Where the whole container is the sandbox, Chromium's own may be impossible (CHROMIUM_SANDBOX=0).
    flags = FLAGS if settings.CHROMIUM_SANDBOX else ("--no-sandbox", *FLAGS)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=list(flags))
        except Error as error:
            raise NoBrowser(
                _("Chromium could not be started."),
                remedy=_(
                    "Run `make browser`, install the package chromium, or run `python -m playwright install chromium`."
                ),
            ) from error
        try:
            yield browser
        finally:
            browser.close()


def _working(name: str) -> str | None:
    """Its path; some systems have a `chromium-browser` that only says how to install one."""
    path = shutil.which(name)
    if path and subprocess.run([path, "--version"], capture_output=True, check=False, timeout=20).returncode == 0:
        return path
    return None
