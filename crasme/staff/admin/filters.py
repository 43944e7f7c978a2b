"""Filters of lists by time.

What could go wrong: what staff type has no time zone, and the database takes it for another (it is the zone in which
the list shows its times).
"""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import make_aware
from unfold.contrib.filters.admin import RangeDateTimeFilter as NaiveRangeFilter
from unfold.utils import parse_datetime_str


class RangeDateTimeFilter(NaiveRangeFilter):
    """From and to, each a date and a time; what is incomplete or unreadable bounds nothing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        bounds = {}
        for end, lookup in (("from", "gte"), ("to", "lte")):
            day, hour = (self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") for part in (0, 1))
            moment = parse_datetime_str(f"{day} {hour}") if day and hour else None
            if moment is not None:
                bounds[f"{self.parameter_name}__{lookup}"] = make_aware(moment)
        return queryset.filter(**bounds)
