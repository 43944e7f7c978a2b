"""Acts on a request's clock: announce an extension, ask the person, note the answer, say whose law applies."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from crasme.kit.clock import controller_day
from crasme.staff.models import User
from privacy.admin.acts import Words, asks
from privacy.admin.forms import DeskForm
from privacy.clock.events import Question
from privacy.clock.regimes import Regime
from privacy.models import Request
from privacy.services import clock, timing

# In short, for the one who chooses; the letter says it in a sentence (privacy.words.EXTENSIONS).
REASONS = [("complex", _("The request is complex")), ("many", _("Several requests at once"))]
WORDS = {"max_length": 10_000, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 6})}


class ExtendForm(DeskForm):
    letter = clock.EXTENSION
    reason = forms.ChoiceField(label=_("Reason"), choices=REASONS, widget=UnfoldAdminRadioSelectWidget)
    words = forms.CharField(
        label=_("In your own words"),
        help_text=_("Why it takes longer here, in the person's language. It stands in the letter."),
        **WORDS,
    )

    def letter_facts(self) -> dict[str, Any]:
        return {"reason": self.cleaned_data["reason"]}


class AskForm(DeskForm):
    letter = clock.QUESTION
    about = forms.ChoiceField(label=_("About"), choices=Question.choices, widget=UnfoldAdminRadioSelectWidget)
    words = forms.CharField(
        label=_("The question"),
        help_text=_("In the person's language. It is the letter. Never ask for a copy of an identity document."),
        **WORDS,
    )


class RepliedForm(DeskForm):
    on = forms.DateField(
        label=_("Arrived on"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("The day on which the answer reached us, where the company is."),
    )

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        self.fields["on"].initial = controller_day(timezone.now())


class LawForm(DeskForm):
    regime = forms.ChoiceField(label=_("Law"), choices=Regime.choices, widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        self.fields["regime"].initial = asked.regime


class ClockActs:
    """Mixed into the desk."""

    @action(description=_("Announce an extension"), permissions=["privacy.work_request"], icon="more_time")
    @asks(
        title=_("Announce an extension"),
        text=_(
            "The person gets a letter with the reasons. When it has gone out, before the law's first day, the law's"
            " later day counts. What we promised ourselves does not move, and the letter says so."
        ),
        button=_("Send the notice"),
        form_class=ExtendForm,
    )
    def extend(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        timing.extend(asked, **form.cleaned_data, by=form.by, now=timezone.now())
        return _("The notice is queued. The dates follow when it has gone out.")

    @action(description=_("Ask the person"), permissions=["privacy.work_request"], icon="contact_support")
    @asks(
        title=_("Ask the person"),
        text=_(
            "The question goes out by mail. Where the law lets its clock stand still for that, it does so from the day"
            " on which the mail goes out until the answer arrives. What we promised ourselves goes on."
        ),
        button=_("Send the question"),
        form_class=AskForm,
    )
    def ask(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        timing.ask(asked, **form.cleaned_data, by=form.by, now=timezone.now())
        return _("The question is queued.")

    @action(description=_("The answer has arrived"), permissions=["privacy.work_request"], icon="mark_chat_read")
    @asks(
        title=_("The answer has arrived"),
        text=_("By telephone or post; what comes by mail is noted by itself. The law's clock goes on."),
        button=_("Note it"),
        form_class=RepliedForm,
    )
    def replied(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        timing.replied(asked, on=form.cleaned_data["on"], by=form.by, now=timezone.now())
        return _("Noted. The clock goes on.")

    @action(description=_("Set the law"), permissions=["privacy.work_request"], icon="gavel")
    @asks(
        title=_("Set the law"),
        text=_("Whose law applies decides by when it must be answered. The dates follow at once."),
        button=_("Set the law"),
        form_class=LawForm,
    )
    def set_law(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        timing.set_law(asked, regime=form.cleaned_data["regime"], by=form.by, now=timezone.now())
        return _("Set. The dates follow from it.")
