"""The forms behind the buttons for requests in which somebody else has a part."""

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from privacy.admin.forms import AnsweringForm, DeskForm

LONGEST = 10_000


def _judgement(yes: Promise, no: Promise) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=_("Judgement"),
        choices=[("yes", yes), ("no", no)],
        coerce=lambda value: value == "yes",
        widget=UnfoldAdminRadioSelectWidget,
    )


class NameAccountForm(DeskForm):
    address = forms.EmailField(
        label=_("E-mail address of the account"),
        max_length=254,
        widget=UnfoldAdminEmailInputWidget,
        help_text=_("As it is on file; look for it under “Accounts” first."),
    )


class JudgeForm(DeskForm):
    believed = _judgement(_("It is the parent or guardian"), _("It is not, or we cannot tell"))
    words = forms.CharField(
        label=_("How you came to it"),
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text=_("A note for colleagues; it is emptied when the report is closed."),
    )


class SettleForm(AnsweringForm):
    letter = "child-told"
    words = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("Only for a parent whom an officer has accepted; anybody else gets the same letter in every case."),
    )


class MandateForm(DeskForm):
    accepted = _judgement(_("The mandate is accepted"), _("The mandate is not accepted"))
    words = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text=_("For colleagues. Nobody else reads it, and it goes when the person is forgotten."),
    )
