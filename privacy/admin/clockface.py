"""What the page of a request and the desk's list show of its clock: dates, time left, warnings, the forecast."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.utils.functional import Promise
from django.utils.translation import gettext as _now, gettext_lazy as _, ngettext

from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from crasme.staff import actors
from privacy.admin.forecasts import words_of
from privacy.clock.deadlines import Deadlines, RuleUsed
from privacy.models import Alert, Message, Request
from privacy.querysets import AT_RISK_DAYS
from privacy.services import clock, forecast
from privacy.services.clock import Turn


@dataclass(frozen=True, slots=True)
class Warned:
    """Who was told of one level, and when first."""

    words: str
    names: list[str]
    at: datetime


@dataclass
class ClockFace:
    """The clock of one request; the picture of its page builds on it."""

    asked: Request
    now: datetime

    @cached_property
    def today(self) -> date:
        return controller_day(self.now)

    @cached_property
    def turns(self) -> list[Turn]:
        """What happened to the clock, with the dates that followed each time; the last one's are those that count."""
        return clock.history(self.asked)

    @property
    def clock(self) -> Deadlines:
        return self.turns[-1].dates

    @cached_property
    def turn_actors(self) -> dict[str, str]:
        return actors.names(turn.event.actor for turn in self.turns)

    @property
    def clock_story(self) -> list[tuple[Turn, str]]:
        return [(turn, self.turn_actors[turn.event.actor]) for turn in reversed(self.turns)]

    @property
    def stands_still(self) -> bool:
        """Whether the law's clock waits for the person's answer."""
        return bool(self.asked.is_open and clock.is_paused([turn.event.kind for turn in self.turns]))

    @property
    def deadlines(self) -> list[tuple[Promise, RuleUsed]]:
        """The decisive one first."""
        dates: list[tuple[Promise, RuleUsed]] = [
            (_("Promised by") if used.promised else _("By law by"), used) for used in self.clock.rules
        ]
        duty = self.clock.acknowledge
        return [*dates, (_("Confirm receipt by"), duty)] if duty and not self.told else dates

    @property
    def told(self) -> bool:
        """Whether any letter has reached the person: the first one says that the request has arrived."""
        letters = Message.objects.outgoing().filter(request=self.asked.lead_id or self.asked.pk, state=WorkState.DONE)
        return bool(letters.filter(addressee=Message.Addressee.PERSON).exists())

    @property
    def days_left(self) -> int:
        return self.asked.days_left(self.today)

    @property
    def late_words(self) -> str:
        return left_words(self.days_left)

    @property
    def tone(self) -> str:
        return tone_of(self.asked, self.today)

    @property
    def share(self) -> int:
        return share_of(self.asked, self.today)

    @cached_property
    def expected(self) -> tuple[str, str] | None:
        """The forecast's colour and words; None while there is nothing to do, or nothing left."""
        found = forecast.of([self.asked], self.now).get(self.asked.pk)
        return words_of(found, self.today) if found else None

    @cached_property
    def alerts(self) -> list[Warned]:
        """Who was warned of the day that counts now, the latest first."""
        standing = Alert.objects.standing().filter(request=self.asked).select_related("colleague")
        levels: dict[str, list[Alert]] = {}
        for alert in standing.order_by("-at", "colleague__first_name"):
            levels.setdefault(alert.level, []).append(alert)
        return [
            Warned(told[0].get_level_display(), [str(each.colleague or "–") for each in told], told[0].at)
            for told in levels.values()
        ]


def tone_of(asked: Request, today: date) -> str:
    """ "bad" when late, "warn" when due within a week, "good" otherwise, "" when it is over."""
    if not asked.is_open:
        return ""
    return tone(asked.days_left(today))


def tone(left: int) -> str:
    """The same for a number of days."""
    return "bad" if left < 0 else "warn" if left <= AT_RISK_DAYS else "good"


def share_of(asked: Request, today: date) -> int:
    """Percent of the time that is gone, 0 to 100."""
    length = max((asked.effective_due - asked.received_on).days, 1)
    until = today if asked.closed_at is None else controller_day(asked.closed_at)
    return max(0, min(100, round(100 * (until - asked.received_on).days / length)))


def days_words(asked: Request, left: int) -> str:
    return left_words(left) if asked.is_open else _now("closed")


def left_words(left: int) -> str:
    if left < 0:
        return ngettext("%(days)d day late", "%(days)d days late", -left) % {"days": -left}
    return ngettext("%(days)d day left", "%(days)d days left", left) % {"days": left}
