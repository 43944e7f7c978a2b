"""What monitoring reads of this room."""

from django.utils import timezone

from consent import rates
from crasme.kit import gauges


@gauges.gauge("crasme_consent_refusals_drift", "How unusual the last day's share of refusals is; 0 when it is no alarm")
def refusals_drift() -> float:
    found = rates.drift(timezone.now())
    return found.strength if found else 0.0
