"""Anonymising rows, and refusing to call them anonymous when they are not.

What could go wrong: a million rows changed, and the key that links them to their people found out afterwards. So the
rows are measured first as they would be (the replacements are expressions, so a SELECT makes the after-image): a rule
that fails changes nothing, and its run stops and says which column, and what to do. They are measured once more as they
are, for other rows may have come meanwhile; until they have passed, the run is not done.

And a measurement that takes as long as a tick may: measured anew by each tick, no row would ever be changed. So it
counts for those that follow soon.
"""

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from retention.anonymity import checker
from retention.anonymity.report import Report
from retention.engine import rows
from retention.engine.watch import Watch
from retention.errors import NotAnonymous
from retention.models import Run

MEASURED: Final = "measured"  # in `progress`: when the rows passed before they were changed; gone once they have after
GOOD_FOR: Final = timedelta(hours=1)


def end(run: Run, watch: Watch) -> bool:
    """Anonymise the rows that are due. False when time ran out before it was through. NotAnonymous."""
    at = run.progress.get(MEASURED)
    if at is None or watch.now - datetime.fromisoformat(at) >= GOOD_FOR:
        _require(run, checker.check(run.rule, run.cutoff, watch.now))
        run.progress[MEASURED] = watch.now.isoformat()
        run.save(update_fields=["progress"])
        watch.reached("anonymity.measured")
    through = rows.end(run, watch, waits=True)  # or all would be measured once more for one locked row
    if through:
        _require(run, checker.check(run.rule, run.cutoff, watch.now))
        run.progress.pop(MEASURED, None)
        run.save(update_fields=["progress"])
    return through


def remains(run: Run) -> bool:
    """Whether rows were changed, or were about to be, that nobody has measured since."""
    return MEASURED in run.progress


def _require(run: Run, report: Report) -> None:
    # What the rows were like before the first batch is not to be seen any more after it.
    earlier = run.anonymity or {}
    stored = report.stored()
    if earlier.get("before"):
        stored["before"] = earlier["before"]
    if not (stored["search"] or {}).get("originals") and (earlier.get("search") or {}).get("originals"):
        stored["search"] = earlier["search"]
    run.anonymity = stored
    run.save(update_fields=["anonymity"])
    if report.findings:
        first = report.findings[0]
        raise NotAnonymous(_("Not anonymous: %(column)s. %(why)s") % {"column": first.column, "why": first.words()})
