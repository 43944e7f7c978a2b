"""Which day it is for the controller.

What could go wrong: a request that arrives at 23:30 UTC already belongs to the next day in Vienna, and its 30 days
are promised in days, not in hours. Storage stays UTC; only this function turns an instant into a day. Nothing here
reads the time: `now` is always handed in.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from crasme.kit.calendar import NaiveMoment


def controller_day(instant: datetime, zone: str | None = None) -> date:
    """The calendar day of an aware instant where the controller is (`zone`, else settings.CONTROLLER_ZONE)."""
    if instant.utcoffset() is None:
        raise NaiveMoment("The controller's day was asked for a datetime without a time zone.")
    return instant.astimezone(ZoneInfo(zone or settings.CONTROLLER_ZONE)).date()
