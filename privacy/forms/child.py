"""The form that reports a child's account."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crasme.kit import cards
from privacy.forms.asking import LONGEST_DETAILS
from privacy.forms.fields import AddressField, StorableCharField, language
from privacy.models import Request
from privacy.services.children import COPY, PARENT, RELATION
from privacy.services.intake import Submission
from privacy.words import RELATIONS

LONGEST_ABOUT = 500


class ChildForm(forms.Form):
    """Two answers are needed: which account, and who says so."""

    about = StorableCharField(
        label=_("Which account is it?"),
        max_length=LONGEST_ABOUT,
        help_text=_("Its e-mail address, if you know it. Otherwise whatever helps us to find it."),
        error_messages={"required": _("Say what you know about the account, so that we can find it.")},
    )
    relation = forms.ChoiceField(
        label=_("Who are you?"),
        choices=[*RELATIONS.items()],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what fits best; “somebody else” will do.")},
    )
    details = StorableCharField(
        label=_("Anything we should know?"),
        max_length=LONGEST_DETAILS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("How you know that it is a child's. Please write no passwords and no card numbers."),
    )
    email = AddressField(
        label=_("Your e-mail address"),
        required=False,
        help_text=_("Only if you want an answer. You can report without one."),
    )
    copy = forms.BooleanField(
        label=_("I am the parent or guardian and would like a copy of the data before it is deleted."),
        required=False,
    )
    # People never see it; programs that fill in everything do.
    leave_empty = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def clean_leave_empty(self) -> str:
        if self.cleaned_data["leave_empty"]:
            raise ValidationError(_("Leave this field empty; it is there to recognise programs."), code="filled")
        return ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("about", "details"):
            if cards.find(cleaned.get(name, "")):
                self.add_error(name, _("This looks like a payment card number. We store none: please take it out."))
        if cleaned.get("copy") and cleaned.get("relation") not in (PARENT, None):
            self.add_error("copy", _("A copy is for the parent or guardian; choose that above, or leave this out."))
        if cleaned.get("copy") and not cleaned.get("email") and "email" not in self.errors:
            self.add_error("email", _("For a copy we need an address, so that we can be sure who gets it."))
        return cleaned

    def submission(self) -> Submission:
        cleaned = self.cleaned_data
        facts: dict[str, Any] = {RELATION: cleaned["relation"]}
        if cleaned["copy"]:
            facts[COPY] = True
        return Submission(
            kind=Request.Kind.CHILD,
            email=cleaned["email"],
            language=language(),
            about=cleaned["about"],
            details=cleaned["details"],
            facts=facts,
        )
