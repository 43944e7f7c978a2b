"""What a plan and a run say, in words: why an approval is needed, how far a run is, by how much it is off."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _, ngettext

from retention.models import Run


def reasons(line: Mapping[str, Any]) -> list[str]:
    """Why this line of a plan needs an approval; empty when it needs none."""
    return [_reason(each["why"], each["limit"]) for each in line["reasons"]]


def left(run: Run) -> str:
    """ "about 12 minutes left" of work; "" when nothing can be said."""
    time = run.time_left
    if time is None:
        return ""
    if time < timedelta(minutes=1):
        return _("less than a minute left")
    minutes = round(time.total_seconds() / 60)
    if minutes < 120:
        return ngettext("about %(n)d minute left", "about %(n)d minutes left", minutes) % {"n": minutes}
    hours = round(minutes / 60)
    return ngettext("about %(n)d hour left", "about %(n)d hours left", hours) % {"n": hours}


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
