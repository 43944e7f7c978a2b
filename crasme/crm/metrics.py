from django.utils import timezone

from crasme.crm import partitions
from crasme.kit import gauges


@gauges.gauge("crasme_crm_months_ahead", "Months of usage partitions ready after the current one (alarm below 1)")
def months_ahead() -> int:
    return partitions.months_ahead(timezone.now())
