"""What the clock starts."""

import logging

from celery import shared_task
from django.utils import timezone

from consent import filing, notices, rates, seal
from consent.errors import NoBrowser, ScanFailed
from consent.fairness import gate
from consent.scanning.run import scan

logger = logging.getLogger(__name__)


@shared_task
def make_partitions() -> None:
    """Months for choices are there long before anybody needs them; idempotent."""
    filing.make_partitions(timezone.now())


@shared_task
def count_answers() -> None:
    """The last days' answers by notice version; idempotent, since each time they are counted anew."""
    rates.count(timezone.now())


@shared_task
def seal_day() -> None:
    """Yesterday's choices under one entry of the ledger; idempotent."""
    seal.seal_day(timezone.now())


@shared_task
def scan_cookies() -> None:
    """The daily proof of the registry, where COOKIE_SCAN is on. The report is a row; a failure says what is missing."""
    try:
        result = scan(now=timezone.now())
    except (NoBrowser, ScanFailed) as error:
        logger.error("The cookie registry was not compared with the site: %s", error)  # noqa: TRY400
        return
    if result.differences:
        logger.error("The site differs from the cookie registry in %d places.", len(result.differences))


@shared_task
def measure_notice() -> None:
    """What would be published next, measured for the gate; asked for by who wants to publish it."""
    contents, now = notices.draft(), timezone.now()
    try:
        gate.look_at(contents, now=now)
    except NoBrowser as error:
        logger.error("The next cookie notice was not measured: %s", error)  # noqa: TRY400
        gate.note_failure(contents, str(error), now=now)
    except Exception as error:
        gate.note_failure(contents, f"The browser came to no result ({type(error).__name__}).", now=now)
        raise
