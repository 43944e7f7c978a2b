"""What the task queue does for the CRM. Each task calls one service, and may run twice or late without harm."""

from celery import shared_task
from django.utils import timezone

from crasme.crm import names, partitions
from crasme.crm.services import integrations
from crasme.staff.actors import system


@shared_task
def make_partitions() -> int:
    """Months ahead for usage events; how many were missing."""
    return len(partitions.make_ahead(timezone.now()))


# Not again before it is over: it may wait for a backup that is being made.
@shared_task(acks_late=False, soft_time_limit=3_600, time_limit=3_700)
def renew_name_index() -> None:
    """Words that no name has any more leave the index."""
    names.renew_index()


@shared_task
def finish_disconnecting() -> int:
    """What a legal hold kept of disconnected services goes once the hold is over; how many services."""
    return integrations.finish(actor=system("integrations"))
