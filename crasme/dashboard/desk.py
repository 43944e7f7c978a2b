"""What the requests look like today: how many are late or will be, which come next, and how the weeks went.

All dates are the controller's calendar days. Nothing here names a person: a reference and a kind are enough to work.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.translation import gettext as _

from crasme.dashboard import links
from crasme.kit.clock import controller_day
from crasme.staff.models import User
from privacy.models import InboundMail, RecipientNotice, Request
from privacy.querysets import AT_RISK_DAYS
from privacy.services import alerts, forecast
from privacy.states import State

PROMISED_DAYS: Final = 30
WEEKS: Final = 12
SHOWN: Final = 8
MINE: Final = 6


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the top row. `tone` is "good", "warn", "bad" or "" and depends on the number alone."""

    title: str
    value: int
    hint: str
    icon: str
    tone: str
    link: str


@dataclass(frozen=True, slots=True)
class Clock:
    """One open request as a row: `share` is how much of the promised time is gone, 0 to 100."""

    request: Request
    days_left: int
    share: int
    tone: str
    link: str

    @property
    def words(self) -> str:
        if self.days_left < 0:
            return _("{days} days late").format(days=-self.days_left) if self.days_left < -1 else _("1 day late")
        if self.days_left == 0:
            return _("due today")
        return _("{days} days left").format(days=self.days_left) if self.days_left > 1 else _("1 day left")


@dataclass(frozen=True, slots=True)
class Week:
    """A bar pair of the chart; the shares are heights in percent of the tallest bar."""

    start: date
    received: int
    closed: int
    tallest: int

    @property
    def received_share(self) -> int:
        return round(100 * self.received / self.tallest)

    @property
    def closed_share(self) -> int:
        return round(100 * self.closed / self.tallest)


def overdue_count() -> int:
    return Request.objects.overdue(controller_day(timezone.now())).count()


def unsorted_count() -> int:
    """Mail that waits for a person to say what it is."""
    waiting: int = InboundMail.objects.waiting().count()
    return waiting


def figures(now: datetime) -> list[Figure]:
    """Late, due within a week, at risk, going to miss their day, waiting for somebody to take them, and open."""
    today = controller_day(now)
    late = Q(effective_due__lt=today)
    soon = Q(effective_due__range=(today, today + timedelta(days=AT_RISK_DAYS)))
    counts = Request.objects.open().aggregate(
        open=Count("pk"), late=Count("pk", filter=late), soon=Count("pk", filter=soon),
        free=Count("pk", filter=Q(assignee=None)),
    )  # fmt: skip
    risky = Request.objects.at_risk(today).count()
    missing = len(forecast.missing(now))
    return [
        Figure(
            _("Overdue"), counts["late"], _("past the promised day"), "alarm", _tone(counts["late"], "bad"),
            links.to_list(Request, "?clock=overdue"),
        ),
        Figure(
            _("Due in 7 days"), counts["soon"], _("today included"), "event_upcoming", _tone(counts["soon"], "warn"),
            links.to_list(Request, "?clock=soon"),
        ),
        Figure(
            _("At risk"), risky, _("due soon, or stopped by parked work"), "warning", _tone(risky, "warn"),
            links.to_list(Request, "?clock=risk"),
        ),
        Figure(
            _("Will miss"), missing, _("by how long the work usually takes"), "event_busy", _tone(missing, "warn"),
            links.to_list(Request, "?clock=miss"),
        ),
        Figure(
            _("Unassigned"), counts["free"], _("nobody has taken them"), "person_add", "",
            links.to_list(Request, "?who=nobody"),
        ),
        Figure(_("Open"), counts["open"], _("in all"), "inbox", "", links.to_list(Request)),
        *_silent_recipients(today),
    ]  # fmt: skip


def _silent_recipients(today: date) -> list[Figure]:
    """Only when there are any: it is nobody's daily work."""
    if not (late := RecipientNotice.objects.overdue(today).count()):
        return []
    link = links.to_list(RecipientNotice, "?answer=late")
    return [Figure(_("Recipients silent"), late, _("told, and not answered in time"), "share", "warn", link)]


def _tone(number: int, otherwise: str) -> str:
    return otherwise if number else "good"


def next_due(now: datetime) -> list[Clock]:
    """The open requests that end first."""
    return _clocks(Request.objects.open().select_related("assignee").order_by("effective_due", "pk")[:SHOWN], now)


def mine(user_id: UUID, now: datetime) -> list[Clock]:
    """What this member of staff has taken, the most urgent first."""
    taken = Request.objects.open().filter(assignee=user_id).select_related("assignee")
    return _clocks(taken.order_by("effective_due", "pk")[:MINE], now)


@dataclass(frozen=True, slots=True)
class Warned:
    """What somebody was warned of and is still so."""

    line: alerts.Line
    tone: str
    link: str


def warnings(user: User, now: datetime) -> list[Warned]:
    """What this member of staff was warned of, the most urgent first."""
    today = controller_day(now)
    return [
        Warned(line, "bad" if line.due < today else "warn", links.to_pk(Request, line.request))
        for line in alerts.lines_for(user, MINE)
    ]


def weeks(now: datetime) -> list[Week]:
    """Received and closed a week, the last twelve, the running one included; empty when nothing happened at all."""
    today = controller_day(now)
    first = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    received = _per_week("received_on", Request.objects.filter(received_on__gte=first))
    closed = _per_week("closed_at", Request.objects.filter(closed_at__gte=_start_of(first), state=State.CLOSED))
    starts = [first + timedelta(weeks=number) for number in range(WEEKS)]
    tallest = max([*received.values(), *closed.values()], default=0)
    if not tallest:
        return []
    return [Week(start, received.get(start, 0), closed.get(start, 0), tallest) for start in starts]


def _per_week(field: str, requests: Any) -> dict[date, int]:
    grouped = requests.order_by().annotate(week=TruncWeek(field)).values_list("week").annotate(Count("pk"))
    return {week.date() if isinstance(week, datetime) else week: count for week, count in grouped}


def _start_of(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=timezone.get_current_timezone())


def _clocks(requests: Iterable[Request], now: datetime) -> list[Clock]:
    today = controller_day(now)
    return [_clock(request, today) for request in requests]


def _clock(request: Request, today: date) -> Clock:
    left = request.days_left(today)
    length = max((request.effective_due - request.received_on).days, 1)
    tone = "bad" if left < 0 else "warn" if left <= AT_RISK_DAYS else "good"
    share = min(100, max(2, round(100 * (length - left) / length)))
    return Clock(request, left, share, tone, links.to_row(request))
