"""Warning colleagues before a day is missed, and when work stops.

What could go wrong: nobody is told because nobody is the assignee (then the team is), everybody is told of everything
every minute (one row a request, level, colleague and day; one mail a colleague and run), two sweeps at once tell it
twice (one runs at a time), a warning names a person (references and days only), or strangers fill the team's mailboxes
by typing addresses (what nobody has confirmed warns nobody; it lapses by itself).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise

from crasme.kit import locks
from crasme.kit.clock import controller_day
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from privacy.clock.levels import REACHES, Level, Reach, reached
from privacy.clock.rules import PROMISE_DAYS
from privacy.correspondence.queue import enqueue
from privacy.models import Alert, Message, Request
from privacy.states import State

TEMPLATE: Final = "warning-digest"
# No open request has more time than the longest promise, so nothing that is due later has reached half of it.
FIRST_LEVEL: Final = timedelta(days=PROMISE_DAYS // 2 + 1)
AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Warned:
    """Of one request: its level, and who has to know."""

    request: UUID
    level: Level
    due: date
    assignee: UUID | None


@dataclass(frozen=True, slots=True)
class Circles:
    """Colleagues by how far a warning reaches. Where nobody is nearer, the next circle is told."""

    working: frozenset[UUID]
    team: frozenset[UUID]
    officers: frozenset[UUID]

    def of(self, warned: Warned) -> frozenset[UUID]:
        reach = REACHES[warned.level]
        own = self.working & {warned.assignee}
        told = own or self.team
        if reach in (Reach.TEAM, Reach.OFFICERS):
            told |= self.team
        if reach == Reach.OFFICERS:
            told |= self.officers
        return told or self.officers


def warn(now: datetime) -> int:
    """Write down and mail what nobody has been told yet; the number of mails. Doing it again changes nothing."""
    today = controller_day(now)
    with transaction.atomic():
        locks.exclusive("privacy: warnings")
        _disarm()
        warned = [*_by_time(today), *_stuck()]
        new = _untold(warned, now) if warned else []
        Alert.objects.bulk_create(new)
        return _mail(new, now)


def _by_time(today: date) -> Iterable[Warned]:
    near = Request.objects.open().exclude(state=State.RECEIVED).filter(effective_due__lte=today + FIRST_LEVEL)
    rows = near.order_by("effective_due", "pk").values_list("pk", "received_on", "effective_due", "assignee")
    for pk, received, due, assignee in rows[:AT_ONCE]:
        if (level := reached(received, due, today)) is not None:
            yield Warned(pk, level, due, assignee)


def _stuck() -> Iterable[Warned]:
    rows = Request.objects.stuck().order_by("effective_due", "pk").values_list("pk", "effective_due", "assignee")
    return [Warned(pk, Level.STUCK, due, assignee) for pk, due, assignee in rows[:AT_ONCE]]


def _disarm() -> None:
    """What has gone on may stop again, and must then be told again."""
    Alert.objects.filter(level=Level.STUCK).exclude(request__in=Request.objects.stuck().values("pk")).delete()


def _untold(warned: list[Warned], now: datetime) -> list[Alert]:
    about = {each.request for each in warned}
    told = set(Alert.objects.filter(request__in=about).values_list("request", "level", "colleague", "due"))
    circles = _circles()
    return [
        Alert(request_id=each.request, level=each.level, colleague_id=colleague, due=each.due, at=now)
        for each in warned
        for colleague in sorted(circles.of(each))
        if (each.request, each.level.value, colleague, each.due) not in told
    ]


def _circles() -> Circles:
    staff = User.objects.filter(is_active=True, is_staff=True)
    circles = (staff, staff.filter(groups__name=SUPPORT_AGENT), staff.filter(groups__name=PRIVACY_OFFICER))
    return Circles(*(frozenset(circle.values_list("pk", flat=True)) for circle in circles))


def _mail(new: list[Alert], now: datetime) -> int:
    """One mail a colleague. It hangs on the most urgent of their requests; the others stand in it, too."""
    by_colleague: dict[UUID, list[Alert]] = defaultdict(list)
    for alert in new:
        by_colleague[alert.colleague_id].append(alert)  # type: ignore[index]  # made above, with a colleague
    requests = Request.objects.in_bulk({alerts[0].request_id for alerts in by_colleague.values()})
    for colleague, alerts in by_colleague.items():
        message = enqueue(
            requests[alerts[0].request_id],
            TEMPLATE,
            period_key=f"{now:%Y-%m-%dT%H:%M:%S}-{colleague.hex[-12:]}",
            now=now,
            addressee=Message.Addressee.COLLEAGUE,
            colleague_id=colleague,
        )
        Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(message=message)
    return len(by_colleague)


# --- words ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Line:
    """One request of a warning, as a mail and a page show it."""

    request: UUID
    reference: str
    words: Promise | str
    due: date


def lines_of(message: Message, *, own: bool = False) -> list[Line]:
    """What this mail warns of, the most urgent first; only of the request it hangs on, if `own`."""
    alerts = message.alerts.select_related("request").order_by("due", "request__reference", "at")
    if own:
        alerts = alerts.filter(request=message.request_id)
    return [_line(alert) for alert in alerts]


def lines_for(user: User, most: int) -> list[Line]:
    """What this colleague was warned of and is still so, the most urgent first, each request once."""
    standing = (
        Alert.objects.standing().filter(colleague=user).select_related("request").order_by("due", "request", "-at")
    )
    lines: dict[UUID, Line] = {}
    for alert in standing:
        lines.setdefault(alert.request_id, _line(alert))
    return list(lines.values())[:most]


def _line(alert: Alert) -> Line:
    return Line(alert.request_id, alert.request.reference, Level(alert.level).label, alert.due)
