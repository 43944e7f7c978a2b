"""What a plan and a run say, in words: why an approval is needed, how far a run or a rule is, by how much it is off."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _, ngettext

from retention.models import Run, Standing


def reasons(line: Mapping[str, Any]) -> list[str]:
    """Why this line of a plan needs an approval; empty when it needs none."""
    return [_reason(each["why"], each["limit"]) for each in line["reasons"]]


def left(run: Run) -> str:
    """ "about 12 minutes left" of work; "" when nothing can be said."""
    time = run.time_left
    return "" if time is None else _("about %(time)s left") % {"time": span(time)}


def span(time: timedelta) -> str:
    """A length of time in its one fitting unit: "12 minutes", "3 hours", "5 days"."""
    seconds = max(time.total_seconds(), 0)
    if seconds < 60:
        return _("a minute")
    if seconds < 2 * 3600:
        minutes = round(seconds / 60)
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    if seconds < 48 * 3600:
        return _("%(n)d hours") % {"n": round(seconds / 3600)}
    return _("%(n)d days") % {"n": round(seconds / 86400)}


def overdue(standing: Standing, now: datetime) -> str:
    """How far the oldest row is beyond its end, and how long the rest takes: "5 hours over, 120 rows due, …"."""
    if standing.oldest_end is None:
        return _("nothing is overdue")
    words = [
        _("%(time)s over") % {"time": span(standing.overdue(now))},
        ngettext("%(n)s row due", "%(n)s rows due", standing.due) % {"n": f"{standing.due:,}"},
    ]
    if standing.empty_in is not None:
        words.append(_("about %(time)s of work") % {"time": span(standing.empty_in)})
    return ", ".join(words)


def flow(standing: Standing) -> str:
    """Intake against drain."""
    numbers = {"intake": f"{standing.intake:,.1f}", "drain": f"{standing.drain:,.1f}"}
    return _("%(intake)s rows a day come due, %(drain)s a day were ended") % numbers


def kept(standing: Standing) -> str:
    """How many rows stay beyond their period, and why."""
    if not standing.kept:
        return _("none")
    why = "; ".join(f"{each['why']}: {each['rows']:,}" for each in standing.kept_why)
    return f"{standing.kept:,} ({why})" if why else f"{standing.kept:,}"


def drift(run: Run) -> str:
    """By how much a run was off its plan; "" when it was not."""
    off = run.progress.get("drift")
    if not off:
        return ""
    numbers = {name: f"{off[name]:,}" for name in ("found", "planned", "tolerance")}
    return _("%(found)s rows are over; %(planned)s were planned, with a tolerance of %(tolerance)s.") % numbers


def _reason(why: str, limit: Any) -> str:
    if why == "rows":
        return _("more than the %(limit)s rows of its limit") % {"limit": f"{limit:,}"}
    if why == "share":
        return _("more than %(limit)s %% of the table") % {"limit": f"{float(limit) * 100:g}"}
    return _("far more than its last runs: %(limit)s rows would be usual at most") % {"limit": f"{limit:,}"}
