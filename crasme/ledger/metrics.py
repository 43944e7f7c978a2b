from django.db.models import Min
from django.utils import timezone

from crasme.kit import gauges
from crasme.ledger.models import Entry, Leaf


@gauges.gauge("crasme_ledger_unsealed_seconds", "Age of the oldest entry that no seal holds yet (alarm above 3600)")
def unsealed() -> float:
    waiting = Entry.objects.filter(pk__in=Leaf.objects.filter(seal=None).values("entry"))
    oldest = waiting.aggregate(oldest=Min("recorded_at"))["oldest"]
    return (timezone.now() - oldest).total_seconds() if oldest else 0.0
