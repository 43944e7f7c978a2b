"""The periods in force, for rooms below this one (the setting RETENTION_PERIODS names `period_of`)."""

from crasme.kit.calendar import Period
from retention.models import Rule


def period_of(slug: str) -> Period:
    """The period of the active rule of that name; LookupError without one, or when it only says why something stays."""
    period = Rule.objects.active().filter(slug=slug).values_list("period", flat=True).first()
    if not period:
        raise LookupError(slug)
    return Period.parse(period)
