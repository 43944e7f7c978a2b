"""When somebody is warned that a day comes near, and how far the warning reaches. Pure, like all of the clock.

What could go wrong: a level that fired for a date that has moved since is taken for the one that must fire now. So a
level is reached by a day and a due date, never by having been written down; and of all that are reached the latest one
counts, so that whoever gets a request three days before its end is told once, and of that.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Level(TextChoices):
    HALF = "half", _("half of the time is gone")
    THREE_QUARTERS = "three-quarters", _("three quarters of the time are gone")
    NINE_TENTHS = "nine-tenths", _("nine tenths of the time are gone")
    SEVEN_DAYS = "seven-days", _("a week left")
    THREE_DAYS = "three-days", _("three days left")
    ONE_DAY = "one-day", _("one day left")
    OVERDUE = "overdue", _("overdue")
    STUCK = "stuck", _("stopped, and waiting for a person")


class Reach(TextChoices):
    """Who is told; each circle holds the ones before it."""

    ASSIGNEE = "assignee"
    TEAM = "team"
    OFFICERS = "officers"


@dataclass(frozen=True, slots=True)
class Step:
    """`percent` of the time gone, or so many `days` left (-1: the day after the last)."""

    level: Level
    reach: Reach
    percent: int = 0
    days: int = 0

    def from_day(self, received: date, due: date) -> date:
        """The first day on which the level is reached."""
        if self.percent:
            # Whole days, rounded up: half of three days is the second one.
            return received + timedelta(days=-(-(due - received).days * self.percent // 100))
        return due - timedelta(days=self.days)


# Of two that are reached on the same day the later line counts.
STEPS = (
    Step(Level.HALF, Reach.ASSIGNEE, percent=50),
    Step(Level.SEVEN_DAYS, Reach.ASSIGNEE, days=7),
    Step(Level.THREE_QUARTERS, Reach.ASSIGNEE, percent=75),
    Step(Level.THREE_DAYS, Reach.TEAM, days=3),
    Step(Level.NINE_TENTHS, Reach.TEAM, percent=90),
    Step(Level.ONE_DAY, Reach.OFFICERS, days=1),
    Step(Level.OVERDUE, Reach.OFFICERS, days=-1),
)
REACHES: dict[Level, Reach] = {step.level: step.reach for step in STEPS} | {Level.STUCK: Reach.TEAM}


def reached(received: date, due: date, today: date) -> Level | None:
    """The latest level that `today` has reached; None before the first. What would be reached on arrival is no news."""
    days = [(step.from_day(received, due), number) for number, step in enumerate(STEPS)]
    past = [found for found in days if received < found[0] <= today]
    return STEPS[max(past)[1]].level if past else None
