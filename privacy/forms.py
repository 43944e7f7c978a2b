"""The forms of the public request pages.

What could go wrong: an error that names no field and no remedy, text that the database cannot store, a choice that is
no longer offered. Kinds are the open rights of the register, with their own explanations.
"""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext_lazy as _

from crasme.kit import cards
from crasme.kit.text import normalise_email, problem
from privacy import references
from privacy.clock.regimes import Regime
from privacy.models import Right
from privacy.services.intake import Submission

LONGEST_DETAILS = 5_000

PLACES = [
    ("", _("I would rather not say")),
    (Regime.EU, _("European Union, Iceland, Liechtenstein or Norway")),
    (Regime.UK, _("United Kingdom")),
    (Regime.CALIFORNIA, _("California")),
    (Regime.BRAZIL, _("Brazil")),
    (Regime.CANADA, _("Canada")),
    (Regime.OTHER, _("Somewhere else")),
]


class Wish(str):
    """A radio button's label that carries its explanation for the template."""

    __slots__ = ("explanation",)
    explanation: str


def wishes() -> list[tuple[str, Wish]]:
    """The rights that can be asked for now, in the active language."""
    offered = []
    for right in Right.objects.open():
        label = Wish(right.text("title"))
        label.explanation = right.text("explanation")
        offered.append((right.kind, label))
    return offered


class StorableCharField(forms.CharField):
    """Text that the database can hold; says what is wrong with any other."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if what := problem(text):
            raise ValidationError(
                _("This text holds %(what)s. Type it again, or paste it as plain text."),
                code="unstorable",
                params={"what": what},
            )
        return text


class AddressField(forms.EmailField):
    """An e-mail address in its normalised form."""

    default_error_messages: ClassVar = {
        "required": _("Give the e-mail address that you use with us; we send the link to it."),
        "invalid": _("This is not an e-mail address. It should look like name@example.com."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}), **kwargs)

    def clean(self, value: Any) -> str:
        return normalise_email(super().clean(value))


class RequestForm(forms.Form):
    """What somebody asks for. Only two answers are needed: what, and for which address."""

    kind = forms.ChoiceField(
        label=_("What would you like?"),
        choices=wishes,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose what you would like us to do."),
            "invalid_choice": _("Choose one of the rights listed here."),
        },
    )
    email = AddressField(
        label=_("Your e-mail address"),
        help_text=_("The one that you use with us. We send a link to it, to make sure that it is you."),
    )
    full_name = StorableCharField(
        label=_("Your name"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    place = forms.ChoiceField(
        label=_("Where do you live?"),
        choices=PLACES,
        required=False,
        help_text=_("Some places give you more rights or shorter periods."),
    )
    details = StorableCharField(
        label=_("Anything we should know?"),
        max_length=LONGEST_DETAILS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("You need not give reasons. Please write no passwords and no card numbers."),
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
        for name in ("full_name", "details"):
            if cards.find(cleaned.get(name, "")):
                self.add_error(name, _("This looks like a payment card number. We store none: please take it out."))
        return cleaned

    def submission(self) -> Submission:
        cleaned = self.cleaned_data
        return Submission(
            kind=cleaned["kind"],
            email=cleaned["email"],
            full_name=cleaned["full_name"],
            language=language(),
            details=cleaned["details"],
            regime=cleaned["place"] or Regime.OTHER,
        )


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


def language() -> str:
    """The visitor's language, if mails can be written in it."""
    active = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
    return active if active in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
