"""The columns of the desk's list."""

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crasme.kit.clock import controller_day
from privacy.admin.clockface import days_words, share_of, tone_of
from privacy.admin.forecasts import ForecastColumn
from privacy.models import Request
from privacy.states import Outcome, State


class RequestColumns(ForecastColumn):
    """Mixed into the desk."""

    @display(description=_("reference"), ordering="reference")
    def name(self, asked: Request) -> SafeString:
        return format_html('<b class="dash-ref">{}</b>', asked.reference)

    @display(description=_("kind"), ordering="kind")
    def kind_name(self, asked: Request) -> str:
        return asked.get_kind_display()

    @display(
        description=_("state"),
        ordering="state",
        label={
            State.RECEIVED: "",
            State.CONFIRMED: "info",
            State.COLLECTING: "info",
            State.REVIEW: "warning",
            State.APPROVED: "info",
            State.EXECUTING: "info",
            State.ANSWERING: "info",
            State.CLOSED: "success",
            Outcome.REFUSED: "danger",
        },
    )
    def standing(self, asked: Request) -> tuple[str, str]:
        if asked.state != State.CLOSED:
            return asked.state, asked.get_state_display()
        colour = Outcome.REFUSED if asked.outcome == Outcome.REFUSED else State.CLOSED
        return colour, asked.get_outcome_display()

    @display(description=_("person"))
    def person_name(self, asked: Request) -> str:
        return asked.person.masked

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
