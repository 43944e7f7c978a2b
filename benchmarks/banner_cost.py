"""What the banner costs a page in the browser: milliseconds of the main thread, and how much it moves.

The same page is loaded with and without the banner (its HTML, its style sheet and both scripts, shrunk as they are
served; nothing is collected, which takes minutes for the desk's files), in turns, in Chromium, and the browser's own
count of its main thread's tasks is compared: the median of all loads, in the processor's time, which others on the
machine lengthen less. Layout shift is what the browser reports from the first moment to the end.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from django.conf import settings
from django.test import override_settings
from django.utils import translation
from playwright.sync_api import Browser

from benchmarks.figures import Figure
from consent import notices
from consent.fairness import subjects
from consent.fairness.measure import SITE, answer
from consent.fairness.subjects import Subject
from consent.scanning.chromium import chromium
from crasme.kit.statics import squeeze

ROWS = 7  # loads of each
PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
BANNER = (
    re.compile(r'<section class="consent".*?</section>', re.DOTALL),
    re.compile(r'<link rel="stylesheet" href="[^"]*consent/consent[^"]*">'),
    re.compile(r'<script src="[^"]*consent/[^>]*></script>', re.DOTALL),
)
SHIFT = """() => new Promise((done) => { let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((each) => { sum += each.value; }))
        .observe({type: 'layout-shift', buffered: true});
    setTimeout(() => done(sum), 150) })"""


class Served(Subject):
    """Scripts without their comments."""

    def file(self, name: str) -> tuple[bytes, str] | None:
        found = super().file(name)
        if found is None or not name.endswith(".js"):
            return found
        return squeeze(found[0].decode()).encode(), found[1]


def run(rows: int) -> Iterator[Figure]:
    """Milliseconds that the banner adds; the baseline is the page without it."""
    with override_settings(STORAGES=settings.STORAGES | PLAIN), translation.override("en"):
        (page,) = subjects.of(each for each in notices.draft() if each["language"] == "en")
    page = Served(page.language, page.look, page.html, page.sheet)
    bare = page.html
    for part in BANNER:
        bare = part.sub("", bare)
    if "consent.js" in bare or 'id="consent"' in bare or bare == page.html:
        raise RuntimeError("the page without a banner still has one")
    with chromium() as browser:
        loads = [(_load(browser, page), _load(browser, replace(page, html=bare))) for _ in range(rows)]
    with_banner, without = (median(task for task, _shift in each) for each in zip(*loads, strict=True))
    shift = max(shift for (_task, shift), _bare in loads)
    note = f"main thread, median; with the banner {with_banner:.1f} ms, layout shift {shift:g}"
    yield Figure("banner_cost", max(with_banner - without, 0.0), "ms", without, rows, note)


def _load(browser: Browser, subject: Subject) -> tuple[float, float]:
    """Milliseconds of tasks until the page has settled, and its layout shift."""
    context = browser.new_context(base_url=SITE, viewport={"width": 390, "height": 844})
    try:
        context.route("**/*", lambda route: answer(route, subject))
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto("/")
        shift = float(page.evaluate(SHIFT))
        figures = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
        return figures["TaskDuration"] * 1000, shift
    finally:
        context.close()
