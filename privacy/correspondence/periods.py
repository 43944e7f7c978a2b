"""How long things are kept, as a letter says it."""

from datetime import datetime

from django.utils.translation import get_language

from crasme.kit.calendar import Period
from crasme.kit.remember import remembered
from retention.models import Rule


@remembered(key=lambda now: get_language())
def in_words(now: datetime) -> dict[str, str]:
    """The schedule's periods in the active language, by the rule's name."""
    rules = Rule.objects.in_force(now).acting().values_list("slug", "period")
    return {slug: Period.parse(period).words() for slug, period in rules}
