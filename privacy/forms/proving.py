"""The forms by which a mailbox is proven: a code from the mail, and what is needed for a fresh one."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from privacy import references
from privacy.forms.fields import AddressField


class CodeForm(forms.Form):
    """The reference and the code from the mail, for whoever cannot follow its link."""

    reference = forms.CharField(
        label=_("Reference"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "PR-0000-0000"}),
        error_messages={"required": _("Type the reference from the mail; it begins with PR.")},
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code"}),
        error_messages={"required": _("Type the eight digits from the mail.")},
    )

    def clean_reference(self) -> str:
        if not (reference := references.normalise(self.cleaned_data["reference"])):
            raise ValidationError(_("A reference looks like PR-7K3M-9QXD; you find it in the mail."), code="invalid")
        return reference


class LinkForm(CodeForm):
    """The reference and the address, to get a fresh link."""

    code = None  # type: ignore[assignment]
    email = AddressField(label=_("Your e-mail address"))


class AddressForm(forms.Form):
    """The address alone, on a page that knows the reference."""

    email = AddressField(label=_("Your e-mail address"))
