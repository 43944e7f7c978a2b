"""Writing to us about a request, on its own page."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from crasme.kit import cards
from privacy.forms.fields import StorableCharField
from privacy.mailroom.files import LARGEST, File

LONGEST_REPLY = 10_000


class ReplyForm(forms.Form):
    """Text, a file, or both."""

    text = StorableCharField(
        label=_("Your message"),
        max_length=LONGEST_REPLY,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Please write no passwords and no card numbers."),
    )
    file = forms.FileField(
        label=_("A file"),
        required=False,
        allow_empty_file=True,
        help_text=_("PDF, picture or plain text, 10 MB at most. Send no identity documents unless we asked for one."),
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg,.gif,.webp,.txt,.csv"}),
    )

    def clean_file(self) -> File | None:
        upload: UploadedFile | None = self.cleaned_data["file"]
        if upload is None:
            return None
        # One byte more than is taken tells that it is too large; the rest is not even read.
        return File(upload.name or "", upload.read(LARGEST + 1))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cards.find(cleaned.get("text", "")):
            self.add_error("text", _("This looks like a payment card number. We store none: please take it out."))
        if not self.errors and not cleaned.get("text", "").strip() and cleaned.get("file") is None:
            self.add_error("text", _("Write something, or choose a file."))
        return cleaned
