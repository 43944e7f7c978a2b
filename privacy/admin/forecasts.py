"""The desk's column that says by when a request will be answered, if all goes as usual."""

from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now, gettext_lazy as _
from unfold.decorators import display

from crasme.kit.clock import controller_day
from privacy.models import Request
from privacy.services import forecast


class ForecastColumn:
    """Mixed into the desk. The forecasts of a page are read together, and travel on its rows."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        shown = super().get_changelist_instance(request)  # type: ignore[misc]
        rows = list(shown.result_list)
        found = forecast.of(rows, timezone.now())
        for asked in rows:
            asked.expected = found.get(asked.pk)
        shown.result_list = rows
        return shown

    @display(description=_("expected"))
    def forecast(self, asked: Request) -> SafeString | str:
        found: forecast.Forecast | None = getattr(asked, "expected", None)
        if found is None:
            return "–"
        tone, words = words_of(found, controller_day(timezone.now()))
        return format_html('<span class="desk-clock {}"><span>{}</span></span>', tone, words)


def words_of(found: forecast.Forecast, today: date) -> tuple[str, str]:
    """Its colour, and what there is to say. Of what is late already, nobody needs to hear that it will be."""
    if found.stuck:
        return "bad", _now("has stopped")
    if found.expected is None:
        return "", _now("not known yet")
    day = date_format(found.expected, "SHORT_DATE_FORMAT")
    if found.due < today:
        return "bad", day
    if found.will_miss:
        return "bad", _now("will miss: %(day)s") % {"day": day}
    return "good", day
