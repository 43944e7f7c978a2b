"""P9.1 to P9.3: children. No ages are stored, so what is known comes from reports alone. Four queries for all."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _, ngettext

from crasme.crm.models import Account
from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from privacy.forms.child import ChildForm
from privacy.models import ChildReport, Message, Request
from privacy.models.people import NOBODY
from privacy.promises.checks.requests import ANSWERED, LOOK_BACK, verdict
from privacy.promises.registry import Status, Verdict, promise
from privacy.services.children import RELATION
from privacy.states import State

# Of five days; after that a weekend can be too long.
SOON = timedelta(days=2)
_OVER = Q(request__kind=Request.Kind.CHILD, request__state=State.CLOSED)


@promise("P9.1", "P9.2", "P9.3")
def children(now: datetime) -> dict[str, Verdict]:
    return {"P9.1": _not_knowingly(now), "P9.2": _promptly(now), "P9.3": _anybody(now)}


def _not_knowingly(now: datetime) -> Verdict:
    """Whoever knows stops collecting: at risk while a reported account is in use and nobody has decided, broken once
    its erasure was proposed, or its day is over, and it still is.
    """
    reports = ChildReport.objects.exclude(request__state=State.CLOSED).filter(account__isnull=False)
    in_use = Q(account__in=Account.objects.usable())
    known = Q(request__plans__requested_at__isnull=False) | Q(request__effective_due__lt=controller_day(now))
    figures = _figures(reports, reported=Q(), in_use=in_use, known=in_use & known)
    if figures["known"]:
        evidence = ngettext(
            "%(known)s account that we take for a child's is still in use; restrict it.",
            "%(known)s accounts that we take for children's are still in use; restrict them.",
            figures["known"],
        )
        return Verdict(Status.BROKEN, evidence % figures, figures)
    if figures["in_use"]:
        evidence = ngettext(
            "%(in_use)s of %(reported)s reported accounts is still in use.",
            "%(in_use)s of %(reported)s reported accounts are still in use.",
            figures["in_use"],
        )
        return Verdict(Status.AT_RISK, evidence % figures, figures)
    evidence = ngettext(
        "%(reported)s reported account is being looked at; it is not in use.",
        "%(reported)s reported accounts are being looked at; none of them is in use.",
        figures["reported"],
    )
    return Verdict(Status.KEPT, evidence % figures, figures)


def _promptly(now: datetime) -> Verdict:
    """By the clock of the reports, five days each; everything is due within a week here, so closeness is its own."""
    today = controller_day(now)
    open_, close = ~Q(state=State.CLOSED), Q(effective_due__lte=today + SOON) | Q(steps__state=WorkState.PARKED)
    answered = Q(closed_at__gte=now - LOOK_BACK, outcome__in=ANSWERED)
    closed_on = TruncDate("closed_at", tzinfo=ZoneInfo(settings.CONTROLLER_ZONE))
    figures = _figures(
        _reports().annotate(closed_on=closed_on),
        open=open_,
        overdue=open_ & Q(effective_due__lt=today),
        at_risk=open_ & Q(effective_due__gte=today) & close,
        answered=answered,
        answered_late=answered & Q(closed_on__gt=F("effective_due")),
        deleted=answered & Q(plans__executed_at__isnull=False),
    )
    figures["unread"] = Message.objects.unread_words().filter(_OVER, created_at__lt=now - SOON).count()
    found = verdict(figures)
    if figures["unread"] and found.status is Status.KEPT:
        evidence = ngettext(
            "%(unread)s answer about a report that is closed has not been read; it is emptied after that.",
            "%(unread)s answers about reports that are closed have not been read; they are emptied after that.",
            figures["unread"],
        )
        return Verdict(Status.AT_RISK, evidence % figures, figures)
    return found


def _anybody(now: datetime) -> Verdict:
    """Tried: the form takes a report from nobody in particular. And counted: what came in."""
    recent = _reports().filter(received_at__gte=now - LOOK_BACK)
    figures = _figures(recent, reports=Q(), without_address=Q(person__email_hash__startswith=NOBODY))
    if not ChildForm({"about": "somebody", RELATION: "other"}).is_valid():
        return Verdict(Status.BROKEN, _("The form does not take a report from somebody without an address."), figures)
    evidence = _("The form takes reports without an account or address; %(reports)s came in 90 days.")
    return Verdict(Status.KEPT, evidence % figures, figures)


def _reports() -> Any:
    return Request.objects.filter(kind=Request.Kind.CHILD).order_by()


def _figures(rows: Any, **conditions: Q) -> dict[str, int]:
    """Rows under each condition, by its name, in one query."""
    counts = {name: Count("pk", filter=condition, distinct=True) for name, condition in conditions.items()}
    return dict(rows.aggregate(**counts))
