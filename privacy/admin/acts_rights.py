"""Acts that belong to single rights: granting what was asked as it was asked, and ending a restriction."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
)

from crasme.staff.models import User
from privacy.admin.acts import Words, asks
from privacy.admin.forms import DeskForm
from privacy.models import Request
from privacy.particulars import GROUND, chosen, questions_of
from privacy.services import approvals, desk, restriction

RESTRICTS = _(
    "The account cannot be used from then on: its data is stored, and nothing else happens with it, until you lift the"
    " restriction."
)


class LiftForm(DeskForm):
    letter = restriction.LETTER
    words = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("Why the reason for it is gone, in the person's language. It stands in the letter."),
    )


class GrantForm(DeskForm):
    """Of a restriction the page says what it does, and asks why where the person ticked nothing."""

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        self.more = [RESTRICTS] if asked.kind == Request.Kind.RESTRICTION else []
        if approvals.needs_ground(asked):
            options: dict[str, Any] = {
                "label": GROUND.words,
                "choices": [(code, answer.words) for code, answer in GROUND.answers.items()],
                "help_text": _(
                    "The person ticked none of them. Choose the one that follows from what they wrote or said."
                ),
            }
            self.fields["ground"] = forms.ChoiceField(widget=UnfoldAdminRadioSelectWidget, **options)


class GoOnForm(DeskForm):
    words = forms.CharField(
        label=_("Why"),
        max_length=2_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("For example, how the person said so. It becomes a note on the request."),
    )


class ParticularsForm(DeskForm):
    """The questions that the public form asks for this kind, answered from what the person wrote or said."""

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        for question in questions_of(asked.kind):
            offered = [(code, answer.words) for code, answer in question.answers.items()]
            known = sorted(chosen(asked.facts, question))
            options: dict[str, Any] = {"label": question.words, "choices": offered, "required": False}
            self.fields[question.name] = (
                forms.MultipleChoiceField(widget=UnfoldAdminCheckboxSelectMultipleWidget, initial=known, **options)
                if question.many
                else forms.ChoiceField(widget=UnfoldAdminRadioSelectWidget, initial=min(known, default=""), **options)
            )


class RightsActs:
    """Mixed into the desk."""

    @action(
        description=_("Grant"), permissions=["privacy.work_request"], icon="task_alt", variant=ActionVariant.SUCCESS
    )
    @asks(
        title=_("Grant what was asked"),
        text=_("A worker carries it out as it was asked, and the person gets the letter that says so."),
        button=_("Grant"),
        form_class=GrantForm,
    )
    def grant(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        approvals.grant(asked, ground=form.cleaned_data.get("ground", ""), by=form.by, now=timezone.now())
        return _("Granted. A worker carries it out.")

    @action(description=_("Do not wait for the copy"), permissions=["privacy.propose_erasure"], icon="fast_forward")
    @asks(
        title=_("Do not wait for the copy"),
        text=_(
            "The same person asked for a copy. Once the data is erased there is nothing left to copy, and a copy that"
            " nobody has fetched is destroyed."
        ),
        button=_("Do not wait for the copy"),
        form_class=GoOnForm,
    )
    def go_on_without(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        approvals.go_on_without_by(asked, **form.cleaned_data, by=form.by, now=timezone.now())
        return _("The erasure waits no longer.")

    @action(description=_("Note what is meant"), permissions=["privacy.work_request"], icon="checklist")
    @asks(
        title=_("Note what is meant"),
        text=_(
            "Tick what the person wrote or said, and nothing more. What needs nobody's decision is then done at once;"
            " everything else is looked for anew and comes back to you."
        ),
        button=_("Note it"),
        form_class=ParticularsForm,
    )
    def particulars(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.note_particulars(asked, facts=form.cleaned_data, by=form.by, now=timezone.now())
        return _("Noted.")

    @action(description=_("Lift the restriction"), permissions=["privacy.work_request"], icon="lock_open")
    @asks(
        title=_("Lift the restriction"),
        text=_("The person is told first, by a letter. When that has gone out the restriction ends, and not before."),
        button=_("Tell the person and lift it"),
        form_class=LiftForm,
    )
    def lift(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        restriction.ask_lift(asked, words=form.cleaned_data["words"], by=form.by, now=timezone.now())
        return _("The letter is queued. The restriction ends when it has gone out.")
