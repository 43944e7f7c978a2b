"""Beat's wake-up. PostgreSQL says what is due; a message lost or delivered twice changes nothing."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from retention import ordering, services, standing

# Well below the task's soft time limit: what is left over goes on with the next tick.
BUDGET = timedelta(seconds=150)
# A batch ends within seconds; whether millions of rows would be anonymous takes minutes, and cannot be done by halves.
LONGEST = 30 * 60  # seconds
MEASURING = timedelta(seconds=120)


@shared_task(soft_time_limit=LONGEST, time_limit=LONGEST + 60)
def tick() -> None:
    services.run_due(timezone.now(), budget=BUDGET)


@shared_task
def measure() -> int:
    """How far each rule is behind; how many are late."""
    now = timezone.now()
    return sum(each.is_late(now) for each in standing.measure(now, budget=MEASURING))


@shared_task
def draw_plans() -> int:
    """The plans that people asked for; how many were drawn."""
    return len(ordering.draw_all(timezone.now()))
