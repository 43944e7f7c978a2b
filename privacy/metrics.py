"""Figures of this room for monitoring; each is one cheap query. The roof counts the rows of work of every room."""

from django.utils import timezone

from crasme.kit import gauges
from crasme.kit.clock import controller_day
from privacy.models import RecipientNotice


@gauges.gauge("crasme_recipient_notices_overdue", "Recipients of data that were told and have not answered in time")
def overdue_notices() -> float:
    return float(RecipientNotice.objects.overdue(controller_day(timezone.now())).count())
