"""Acts on who works on a request, and on work that a person did by hand."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _now, gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from crasme.kit.errors import CrasmeError
from crasme.staff.admin import confirmed
from crasme.staff.models import User
from privacy.admin.acts import Words, asks
from privacy.admin.forms import DeskForm
from privacy.models import Request, Step
from privacy.services import completing, desk, joining
from privacy.states import Outcome


class DoneByHandForm(forms.Form):
    note = forms.CharField(
        label=_("Note"),
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("What was done, when and by whom. It becomes a note on the request, for colleagues."),
    )
    outcome = forms.ChoiceField(
        label=_("What came of it"),
        choices=[(each.value, each.label) for each in (Outcome.GRANTED, Outcome.PARTLY)],
        initial=Outcome.GRANTED,
        widget=UnfoldAdminRadioSelectWidget,
    )


class JoinForm(DeskForm):
    other = forms.ModelChoiceField(
        label=_("The same as"), queryset=Request.objects.none(), widget=UnfoldAdminRadioSelectWidget, empty_label=None
    )

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        other: Any = self.fields["other"]
        other.queryset = joining.others(asked)
        other.label_from_instance = _other
        lately = [f"{found} ({found.get_outcome_display()})" for found in joining.answered_lately(asked)]
        if lately:
            other.help_text = _("The same was answered a short time ago: %(requests)s. It may be excessive.") % {
                "requests": ", ".join(lately)
            }


def _other(asked: Request) -> str:
    return _now("%(reference)s, received %(received)s, due %(due)s, %(state)s") % {
        "reference": asked.reference,
        "received": date_format(asked.received_on),
        "due": date_format(asked.effective_due),
        "state": asked.get_state_display(),
    }


class WorkActs:
    """Mixed into the desk."""

    @action(description=_("Join with …"), permissions=["privacy.work_request"], icon="merge")
    @asks(
        title=_("Join with another request"),
        text=_(
            "They are one wish of one person. The one that was received first goes on, under its own earlier clock; the"
            " later one is closed and answered together with it."
        ),
        button=_("Join them"),
        form_class=JoinForm,
    )
    def join(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        first = joining.join(asked, form.cleaned_data["other"], by=form.by, now=timezone.now())
        return _now("Joined. %(reference)s goes on.") % {"reference": first.reference}

    @action(description=_("Give it back"), permissions=["privacy.work_request"], icon="person_remove")
    @asks(
        title=_("Give this request back"),
        text=_("Nobody is its assignee then; whoever is free can take it. The clock goes on."),
        button=_("Give it back"),
    )
    def give_back(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.give_back(asked, by=form.by, now=timezone.now())
        return _("The request is free again.")


class StepActs:
    """Mixed into the page of a step."""

    @action(description=_("Done by hand"), permissions=["privacy.complete_step"], icon="back_hand")
    @confirmed(
        title=_("Done by hand"),
        text=_("You say that this was really done, outside this system. The request goes on with the next step."),
        button=_("It is done"),
        form_class=DoneByHandForm,
    )
    def done_by_hand(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        step = get_object_or_404(Step, pk=unquote(object_id))
        try:
            completing.complete(step, **form.cleaned_data, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        except CrasmeError as error:
            messages.error(request, str(error))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("Noted. The request goes on."))
        return redirect("admin:privacy_request_change", step.request_id)
