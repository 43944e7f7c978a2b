"""The overview: clocks, my work, the promise board, retention, and what stopped.

What could go wrong: the first page of the day is slow, or fails because one corner of it does. So each card is shown
only to whoever may see what is behind it, asks few and indexed questions, and has words for having nothing to show.
"""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone

from crasme.dashboard import desk, links, works
from privacy.models import Request
from retention import gate
from retention.models import BackupSet, Run


def styles(request: HttpRequest) -> str:
    """The one stylesheet beside the theme's own."""
    return static("dashboard/dashboard.css")


def scripts(request: HttpRequest) -> str:
    return static("staff/search.js")


def favicon(request: HttpRequest) -> str:
    return static("portal/mark.svg")


def index(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's DASHBOARD_CALLBACK: adds `dashboard` to the index page's context."""
    now, may = timezone.now(), request.user.has_perm
    cards: dict[str, Any] = {"now": now}
    if may("privacy.view_request"):
        cards |= {
            "all_requests": links.to_list(Request),
            "figures": desk.figures(now),
            "next_due": desk.next_due(now),
            "mine": desk.mine(request.user.pk, now),  # type: ignore[arg-type]  # the site lets nobody else in
            "warnings": desk.warnings(request.user, now),  # type: ignore[arg-type]
            "weeks": desk.weeks(now),
        }
    if may("retention.view_run"):
        cards |= {"behind": works.behind(now), "measured": works.measured()}
        cards |= {"runs": works.runs(), "all_runs": links.to_list(Run)}
    if may("retention.view_backupset") and not (found := gate.look()).is_open:
        cards |= {"gate": found, "backups": links.to_list(BackupSet)}
    if may("privacy.view_step"):
        cards["parked"] = works.parked()
    return context | {"dashboard": cards}
