"""What beat sends, how often and where to.

What could go wrong: messages pile up while no worker runs, and it does the same thing sixty times when it is back. So
each expires before the next one is sent; what is still to be done is found in PostgreSQL by whichever comes first. Or
a task of once a day is never sent for the first time, because every start of beat begins its day anew: so such tasks
have a time of the night instead.
"""

from datetime import timedelta
from typing import Any, Final

from celery.schedules import crontab

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def nightly(hour: int, minute: int) -> crontab:
    """Once a day, at this time in UTC; what beat slept through it sends when it is back."""
    return crontab(hour=str(hour), minute=str(minute))


def task(name: str, every: timedelta | crontab, queue: str, *, expires: int) -> dict[str, Any]:
    """An entry for Celery; `expires` is in seconds."""
    return {"task": name, "schedule": every, "options": {"queue": queue, "expires": expires}}


SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "privacy: sweep due steps and mail": task("privacy.tasks.sweep", MINUTE, "clock", expires=55),
    "privacy: read the mailbox": task("privacy.tasks.read_mailbox", MINUTE, "mail", expires=55),
    "privacy: search for payment card numbers": task(
        "privacy.tasks.scan_cards", nightly(2, 20), "celery", expires=3600
    ),
    "retention: run what is due": task("retention.tasks.tick", MINUTE, "retention", expires=55),
    # Not behind the purges: how far they are behind must be known above all when they take long.
    "retention: measure how far rules are behind": task("retention.tasks.measure", HOUR, "celery", expires=3000),
    "retention: draw the plans that were asked for": task("retention.tasks.draw_plans", MINUTE, "clock", expires=55),
    "crm: make partitions ahead": task("crasme.crm.tasks.make_partitions", 6 * HOUR, "clock", expires=3600),
    "consent: make partitions ahead": task("consent.tasks.make_partitions", 6 * HOUR, "clock", expires=3600),
    "consent: seal the day": task("consent.tasks.seal_day", HOUR, "clock", expires=3000),
    "ledger: seal what is new": task("crasme.ledger.tasks.seal", 5 * MINUTE, "clock", expires=280),
    "consent: count answers": task("consent.tasks.count_answers", HOUR, "clock", expires=3000),
    "staff: forget abandoned uploads": task("crasme.staff.tasks.forget_uploads", HOUR, "clock", expires=3600),
    "staff: forget ended searches": task("crasme.staff.tasks.forget_searches", HOUR, "clock", expires=3000),
    "crm: build the index of names anew": task(
        "crasme.crm.tasks.renew_name_index", nightly(4, 20), "celery", expires=3600
    ),
    "crm: finish disconnecting services": task("crasme.crm.tasks.finish_disconnecting", HOUR, "clock", expires=3600),
}
# Needs a worker that has Chromium, so only where COOKIE_SCAN says that one is there.
COOKIE_SCAN: Final = {
    "consent: compare the site with the cookie registry": task(
        "consent.tasks.scan_cookies", nightly(3, 20), "celery", expires=3600
    )
}
