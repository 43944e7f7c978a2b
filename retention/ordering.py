"""Plans that people ask for, counted by a worker: every rule's table is read, and nobody waits on a page for that.

What could go wrong: the broker is away (the minute's task finds the order), several at once take every process of a
worker that has deadlines to watch (one at a time is counted, under a lock), a worker is killed half-way (the order is
open still, and counted anew), or one that can never be counted (it says so and is left alone).
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from crasme.kit import wakeups
from retention import locks, services
from retention.errors import code_of
from retention.models import Plan, PlanOrder

logger = logging.getLogger(__name__)

TASK, QUEUE = "retention.tasks.draw_plans", "clock"
KEPT: Final = timedelta(days=1)


@transaction.atomic
def order(at: datetime, *, actor: str, now: datetime) -> PlanOrder:
    """Have a plan drawn for `at`. PlanTooFar as `services.draw_plan`."""
    services.require_foreseeable(at, now)
    wanted = PlanOrder.objects.create(at=at, asked_at=now, asked_by=actor, rules=services.planned_rules(at).count())
    transaction.on_commit(_wake)
    return wanted


def draw_all(now: datetime) -> list[Plan]:
    """Draw every plan that was ordered, unless somebody is at it; those that were drawn."""
    PlanOrder.objects.filter(asked_at__lt=now - KEPT).delete()
    drawn = []
    with locks.only_one("plan orders") as mine:
        for wanted in PlanOrder.objects.filter(plan=None, trouble="").order_by("asked_at") if mine else ():
            drawn += _draw(wanted, now)
    return drawn


def _draw(wanted: PlanOrder, now: datetime) -> list[Plan]:
    def counted(number: int) -> None:
        PlanOrder.objects.filter(pk=wanted.pk).update(counted=number)

    try:
        plan = services.draw_plan(wanted.at, actor=wanted.asked_by, now=now, counted=counted)
    except Exception as error:  # noqa: BLE001  (whatever it is, the order must say so, and others are drawn)
        PlanOrder.objects.filter(pk=wanted.pk).update(trouble=code_of(error))
        logger.error("The plan order %s stopped: %s", wanted.pk, code_of(error))  # noqa: TRY400
        return []
    PlanOrder.objects.filter(pk=wanted.pk).update(plan=plan)
    return [plan]


def _wake() -> None:
    if why := wakeups.send(TASK, QUEUE):
        logger.warning("The broker is away (%s); the minute's task draws the plan.", why)
