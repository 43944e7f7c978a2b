"""What a plan and a run say, in words: why an approval is needed, how far a run or a rule is, by how much it is off."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy as lazily, ngettext

from retention.engine.traffic import RESTED
from retention.errors import (
    BackupFolderMissing,
    BackupPlaceFailed,
    NotAnonymous,
    PlanDrift,
    RuleBroken,
    RuleChanged,
    UnsafeLocation,
)
from retention.models import Run, Standing

# What stopped a run or a replay, by its code; how it begins where many codes mean the same.
TROUBLES: dict[str, Promise] = {
    PlanDrift.code: lazily("Many more rows were over than planned."),
    RuleChanged.code: lazily("The rule was changed meanwhile."),
    RuleBroken.code: lazily("The rule names a table or column that is no more, or asks what cannot be done with it."),
    NotAnonymous.code: lazily("The figures would not have been anonymous."),
    UnsafeLocation.code: lazily("A copy is registered at a place where nothing may be deleted."),
    BackupFolderMissing.code: lazily("The folder of the backups is not there."),
    BackupPlaceFailed.code: lazily("The place of the backups could not be reached."),
    "not-drained": lazily("Rows were left that could not be ended."),
    "operational-error": lazily("The database could not be reached, or was too busy."),
    "interface-error": lazily("The database could not be reached, or was too busy."),
    "timeout-error": lazily("It took too long."),
    "os-error": lazily("Another system could not be reached."),
}


def trouble(code: str) -> SafeString | str:
    """What stopped it, in a sentence, with the code for whoever looks for it in the log; a dash for none."""
    if not code:
        return "–"
    words = TROUBLES.get(code)
    return format_html("{} ({})", words or _("The program has a fault here; the log says more."), code)


def table(label: str) -> str:
    """ "invoices (crm.invoice)"; the bare label of a model that is no more."""
    try:
        return f"{apps.get_model(label)._meta.verbose_name_plural} ({label})"
    except (LookupError, ValueError):
        return label


def column(label: str, path: str) -> str:
    """What a column, or a path to one, is called: "issue date", "account: closed at"."""
    try:
        model, words = apps.get_model(label), []
        for name in path.split("__"):
            field = model._meta.get_field(name)
            words.append(str(getattr(field, "verbose_name", name)))
            model = field.related_model
    except (LookupError, ValueError, AttributeError, FieldDoesNotExist):
        return path
    return ": ".join(words)


def reasons(line: Mapping[str, Any]) -> list[str]:
    """Why this line of a plan needs an approval; empty when it needs none."""
    return [_reason(each["why"], each["limit"]) for each in line["reasons"]]


def state(run: Run) -> str:
    """What a run is at, and who acts next: two people approve it, one after the other."""
    if run.state != Run.State.WAITING:
        return run.get_state_display()
    return _("waits for a second person") if run.is_approved_once else _("waits for a first person")


def left(run: Run) -> str:
    """ "about 12 minutes left" of work; "" when nothing can be said."""
    time = run.time_left
    return "" if time is None else _("about %(time)s left") % {"time": span(time)}


def batches(run: Run) -> str:
    """ "12 of about 40 batches", by what one ended so far; "" when nothing can be said."""
    done = sum(size for size, _node in run.progress.get("tree", []))
    if run.finished_at is not None or not done or not 0 < run.rows_total < run.rows_due:
        return ""
    to_come = ceil((run.rows_due - run.rows_total) * done / run.rows_total)
    return _("%(done)s of about %(all)s batches") % {"done": f"{done:,}", "all": f"{done + to_come:,}"}


def span(time: timedelta) -> str:
    """A length of time in its one fitting unit: "12 minutes", "3 hours", "5 days"."""
    seconds = max(time.total_seconds(), 0)
    if seconds < 60:
        return _("a minute")
    if seconds < 2 * 3600:
        minutes = round(seconds / 60)
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    if seconds < 48 * 3600:
        hours = round(seconds / 3600)
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    days = round(seconds / 86400)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


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


def counts(run: Run) -> list[tuple[str, str]]:
    """What a run ended, table by table, and how many whole months; what it moved aside stands where it is counted."""
    named = {"partitions": _("whole months removed")}
    ended = sorted((label, rows) for label, rows in run.counts.items() if label != "carried")
    return [(named.get(label) or table(label), f"{rows:,}") for label, rows in ended]


def drift(run: Run) -> str:
    """By how much a run was off its plan; "" when it was not."""
    off = run.progress.get("drift")
    if not off:
        return ""
    numbers = {name: f"{off[name]:,}" for name in ("found", "planned", "tolerance")}
    words = ngettext(
        "%(found)s row is over; %(planned)s were planned, and up to %(tolerance)s more would have been in order.",
        "%(found)s rows are over; %(planned)s were planned, and up to %(tolerance)s more would have been in order.",
        off["found"],
    )
    return words % numbers


def rested(run: Run) -> str:
    """How long a run rested because others were at work; "" when it did not."""
    seconds = run.progress.get(RESTED)
    return _("rested %(seconds)s s for others at work") % {"seconds": f"{seconds:,.1f}"} if seconds else ""


def _reason(why: str, limit: Any) -> str:
    if why == "rows":
        return _("more than the %(limit)s rows of its limit") % {"limit": f"{limit:,}"}
    if why == "share":
        return _("more than %(limit)s %% of the table") % {"limit": f"{float(limit) * 100:g}"}
    if why == "changed":
        return _("the rule was changed: before, %(limit)s rows would have ended") % {"limit": f"{limit:,}"}
    return _("far more than its last runs: %(limit)s rows would be usual at most") % {"limit": f"{limit:,}"}
