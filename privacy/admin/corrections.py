"""Deciding about corrections, and entering them for somebody who called or wrote: the forms and the buttons.

What could go wrong: a proposal that changes while somebody decides (each line carries what was on the screen), a
decision about half of them (all at once), a role that is copied from somebody's words (a colleague chooses it).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from crasme.staff.admin import PickedRow
from crasme.staff.models import User
from privacy.admin.acts import Words, asks
from privacy.admin.forms import DeskForm
from privacy.forms.values import ProposalForm
from privacy.models import Correction, Request
from privacy.services import corrections, decisions, writing
from privacy.services.corrections import Line
from privacy.services.decisions import Verdict
from privacy.services.holdings import Held

ACCEPT, REJECT = "accept", "reject"


@dataclass(frozen=True, slots=True)
class Row:
    """One proposal on the page, with its fields of the form."""

    line: Line
    problem: str
    verdict: forms.BoundField
    reason: forms.BoundField
    words: forms.BoundField
    settled: forms.BoundField | None


class DecideForm(DeskForm):
    """Every open proposal, accepted or rejected; nothing is chosen beforehand."""

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        self.lines = corrections.lines(asked)
        for line in self.lines:
            self._add(line, line.correction.pk.hex)

    def _add(self, line: Line, key: str) -> None:
        self.fields[f"verdict-{key}"] = forms.ChoiceField(
            label=_("Decision"),
            choices=[(ACCEPT, _("Accept")), (REJECT, _("Reject"))],
            widget=UnfoldAdminRadioSelectWidget,
        )
        self.fields[f"reason-{key}"] = forms.ChoiceField(
            label=_("Reason, if rejected"),
            required=False,
            choices=[("", "–"), *Correction.Reason.choices],
            widget=UnfoldAdminSelectWidget,
        )
        self.fields[f"words-{key}"] = forms.CharField(
            label=_("In your own words"),
            required=False,
            max_length=2_000,
            widget=UnfoldAdminTextareaWidget({"rows": 2}),
        )
        self.fields[f"seen-{key}"] = forms.CharField(widget=forms.HiddenInput, initial=line.fingerprint)
        if line.held is not None and line.held.in_words:
            self.fields[f"settled-{key}"] = _chosen(line.held)

    def rows(self) -> Iterator[Row]:
        for line in self.lines:
            key = line.correction.pk.hex
            settled = f"settled-{key}"
            yield Row(
                line,
                decisions.problem(line, settled="later"),
                self[f"verdict-{key}"],
                self[f"reason-{key}"],
                self[f"words-{key}"],
                self[settled] if settled in self.fields else None,
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        accepted = []
        for line in self.lines:
            key = line.correction.pk.hex
            verdict, settled = cleaned.get(f"verdict-{key}"), self._settled(key)
            if verdict == REJECT and not cleaned.get(f"reason-{key}"):
                self.add_error(f"reason-{key}", _("Give a reason; the person has a right to it."))
            if verdict == ACCEPT:
                accepted.append((line, settled))
                if why := decisions.problem(line, settled):
                    self.add_error(f"verdict-{key}", why)
        if not self.errors and not accepted and not self.by.has_perm("privacy.refuse_request"):
            self.add_error(
                None, _("To reject everything is to refuse the request, and your role does not include that.")
            )
        if not self.errors:
            for pk, why in decisions.misfits(accepted).items():
                self.add_error(f"verdict-{pk.hex}", why)
        return cleaned

    def _settled(self, key: str) -> str:
        """The chosen value as text: a code, or the key of a record."""
        value = self.cleaned_data.get(f"settled-{key}")
        return str(getattr(value, "pk", value) or "")

    def verdicts(self) -> dict[Any, Verdict]:
        return {
            line.correction.pk: Verdict(
                accept=self.cleaned_data[f"verdict-{key}"] == ACCEPT,
                seen=self.cleaned_data[f"seen-{key}"],
                reason=self.cleaned_data[f"reason-{key}"],
                words=self.cleaned_data[f"words-{key}"],
                settled=self._settled(key),
            )
            for line in self.lines
            for key in [line.correction.pk.hex]
        }


def _chosen(held: Held) -> forms.Field:
    """What a colleague chooses from, where the person used words; empty until they do."""
    label = _("Value to write, if accepted")
    if held.field.is_relation:
        widget = PickedRow(held.field, admin.site)
        rows = held.field.related_model._default_manager.all()
        return forms.ModelChoiceField(label=label, queryset=rows, required=False, widget=widget)
    choices = [("", "–"), *held.field.flatchoices]
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=UnfoldAdminSelectWidget)


class EnterForm(ProposalForm):
    """The person's own form, for a colleague who has it from a letter or a call."""

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        self.by = by
        super().__init__(data, asked=asked)

    def widget(self, each: Held) -> forms.Widget | None:
        long = not each.in_words and isinstance(each.field.formfield().widget, forms.Textarea)
        if each.is_language:
            return UnfoldAdminSelectWidget()  # type: ignore[no-any-return]
        widget: forms.Widget = UnfoldAdminTextareaWidget() if long else UnfoldAdminTextInputWidget()
        return widget


class CorrectionActs:
    """Buttons of the desk for corrections; see privacy.admin.requests."""

    @action(description=_("Decide"), permissions=["privacy.work_request"], icon="rule", variant=ActionVariant.SUCCESS)
    @asks(
        title=_("Decide about each value"),
        text=_(
            "What you accept is written at once, and the recipients of the data are told. The person gets a letter."
        ),
        button=_("Decide"),
        form_class=DecideForm,
        template="admin/privacy/request/decide.html",
    )
    def decide(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        decisions.decide(asked, form.verdicts(), by=form.by, now=timezone.now())
        return _("Decided.")

    @action(description=_("Enter values"), permissions=["privacy.work_request"], icon="edit_note")
    @asks(
        title=_("Enter values for the person"),
        text=_(
            "For what came by telephone or letter. A new e-mail address gets a link, and counts once it was opened."
        ),
        button=_("Propose"),
        form_class=EnterForm,
        template="admin/privacy/request/enter.html",
    )
    def enter(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        corrections.propose(asked, form.values, actor=form.by.ref, now=timezone.now(), by=form.by)
        return _("The values are proposed.")

    @action(description=_("Ask for values"), permissions=["privacy.work_request"], icon="contact_mail")
    @asks(
        title=_("Ask the person what is right"),
        text=_("They get a mail with a link to their page, where they say it value by value."),
        button=_("Send the mail"),
    )
    def ask_values(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        writing.ask_for_values(asked, by=form.by, now=timezone.now())
        return _("The mail is queued.")
