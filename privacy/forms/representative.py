"""The form of somebody who asks for somebody else."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from crasme.kit import cards
from privacy.errors import Incomplete
from privacy.forms.asking import LONGEST_DETAILS, ChooseForm
from privacy.forms.fields import AddressField, StorableCharField, language
from privacy.models import Representative
from privacy.services import mandates
from privacy.services.intake import Submission
from privacy.services.representatives import Claim


class RepresentativeForm(ChooseForm):
    """Who asks, for whom, and what. The paper may come later, or never: then the answer goes to the person."""

    email = AddressField(
        label=_("E-mail address of the person you represent"),
        help_text=_("The one that they use with us. We write to it, and do nothing before they confirm."),
    )
    rep_name = StorableCharField(
        label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    rep_email = AddressField(label=_("Your own e-mail address"), help_text=_("We tell you where things stand."))
    mandate = forms.ChoiceField(
        label=_("What lets you speak for them?"),
        choices=Representative.Mandate.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what fits best.")},
    )
    document = forms.FileField(
        label=_("Proof of your mandate"),
        required=False,
        help_text=_(
            "A PDF, or a PNG or JPEG picture, 2 MB at most. Black out what we need not see. We destroy it when the"
            " request is decided."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
    )
    details = StorableCharField(
        label=_("Anything we should know?"),
        max_length=LONGEST_DETAILS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Please write no passwords and no card numbers."),
    )
    # People never see it; programs that fill in everything do.
    leave_empty = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files=files)

    def clean_leave_empty(self) -> str:
        if self.cleaned_data["leave_empty"]:
            raise ValidationError(_("Leave this field empty; it is there to recognise programs."), code="filled")
        return ""

    def clean_document(self) -> bytes | None:
        file: UploadedFile | None = self.cleaned_data["document"]
        if file is None:
            return None
        content = file.read(mandates.LARGEST + 1)
        try:
            mandates.media_of(content)
        except Incomplete as error:
            raise ValidationError(str(error), code="refused") from None
        return bytes(content)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("rep_name", "details"):
            if cards.find(cleaned.get(name, "")):
                self.add_error(name, _("This looks like a payment card number. We store none: please take it out."))
        if cleaned.get("email") and cleaned.get("email") == cleaned.get("rep_email"):
            self.add_error("email", _("This is your own address. Whoever asks for themselves needs no representative."))
        return cleaned

    def submissions(self) -> list[Submission]:
        """A wish each, of the person; who asks stands with all of them."""
        cleaned = self.cleaned_data
        claim = Claim(cleaned["rep_name"], cleaned["rep_email"], cleaned["mandate"], cleaned["document"])
        return [
            Submission(kind=kind, email=cleaned["email"], language=language(), details=cleaned["details"], claim=claim)
            for kind in self.rights
            if kind in cleaned["kind"]
        ]
