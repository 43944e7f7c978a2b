"""The columns of the desk's list.

What could go wrong: what costs little in one row costs much in fifty. So labels are made once a process for each pair
of colour and words, and choices are looked up here, for Django's own look translates all of them for each row.
"""

from functools import lru_cache
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crasme.kit.clock import controller_day
from privacy.admin.clockface import days_words, share_of, tone_of
from privacy.admin.forecasts import ForecastColumn
from privacy.models import Request
from privacy.states import Outcome, State

KINDS: Final[dict[str, Any]] = dict(Request.Kind.choices)
CHANNELS: Final[dict[str, Any]] = dict(Request.Channel.choices)
COLOURS: Final[dict[str, str]] = {
    State.RECEIVED: "",
    State.CONFIRMED: "info",
    State.COLLECTING: "info",
    State.REVIEW: "warning",
    State.APPROVED: "info",
    State.EXECUTING: "info",
    State.ANSWERING: "info",
}


class RequestColumns(ForecastColumn):
    """Mixed into the desk."""

    @display(description=_("reference"), ordering="reference")
    def name(self, asked: Request) -> SafeString:
        return format_html('<b class="dash-ref">{}</b>', asked.reference)

    @display(description=_("kind"), ordering="kind")
    def kind_name(self, asked: Request) -> str:
        return str(KINDS.get(asked.kind, asked.kind))

    @display(description=_("state"), ordering="state")
    def standing(self, asked: Request) -> SafeString:
        if asked.state != State.CLOSED:
            return _label(COLOURS.get(asked.state, ""), str(State(asked.state).label))
        colour = "danger" if asked.outcome == Outcome.REFUSED else "success"
        return _label(colour, str(Outcome(asked.outcome).label) if asked.outcome else "")

    @display(description=_("person"))
    def person_name(self, asked: Request) -> SafeString:
        return format_html('<span class="desk-line">{}</span>', asked.person.masked)

    @display(description=_("received on"), ordering="received_on")
    def arrival(self, asked: Request) -> SafeString:
        """The day, and by which channel: two lines, as the clock has two."""
        day, channel = date_format(asked.received_on), CHANNELS.get(asked.channel, asked.channel)
        return format_html('<span class="desk-line">{}<small>{}</small></span>', day, channel)

    @display(description=_("clock"), ordering="effective_due")
    def clock(self, asked: Request) -> SafeString:
        today = controller_day(timezone.now())
        return format_html(
            '<span class="desk-clock {}"><span>{}</span>'
            '<span class="desk-bar"><i style="width: {}%"></i></span></span>',
            tone_of(asked, today),
            days_words(asked, asked.days_left(today)),
            share_of(asked, today),
        )


@lru_cache(maxsize=128)
def _label(colour: str, words: str) -> SafeString:
    """The longest are cut off on the screen; a pointer shows them whole, and they are read out whole."""
    shown = {"type": colour, "text": words, "class": "desk-label", "label_title": words}
    return render_to_string("unfold/helpers/label.html", shown)
