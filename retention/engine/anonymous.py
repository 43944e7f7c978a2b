"""Anonymising rows, and refusing to call them anonymous when they are not.

What could go wrong: a million rows changed, and the key that links them to their people found out afterwards. So the
rows are measured first as they would be (the replacements are expressions, so a SELECT makes the after-image): a rule
that fails changes nothing, and its run stops and says which column, and what to do. They are measured once more as they
are, for other rows may have come meanwhile.
"""

from django.utils.translation import gettext as _

from retention.anonymity import checker
from retention.anonymity.report import Report
from retention.engine import rows
from retention.engine.watch import Watch
from retention.errors import NotAnonymous
from retention.models import Run


def end(run: Run, watch: Watch) -> bool:
    """Anonymise the rows that are due. False when time ran out before it was through. NotAnonymous."""
    _require(run, checker.check(run.rule, run.cutoff, watch.now))
    watch.reached("anonymity.measured")
    through = rows.end(run, watch)
    if through:
        _require(run, checker.check(run.rule, run.cutoff, watch.now))
    return through


def _require(run: Run, report: Report) -> None:
    # What the rows were like before the first batch is not to be seen any more after it.
    earlier = run.anonymity or {}
    stored = report.stored() | {name: kept for name in ("before",) if (kept := earlier.get(name))}
    if not (stored["search"] or {}).get("originals") and (earlier.get("search") or {}).get("originals"):
        stored["search"] = earlier["search"]
    run.anonymity = stored
    run.save(update_fields=["anonymity"])
    if report.findings:
        first = report.findings[0]
        raise NotAnonymous(_("Not anonymous: %(column)s. %(why)s") % {"column": first.column, "why": first.words()})
