"""Fields that several public forms share."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy as _

from crasme.kit.text import normalise_email, problem


class Label(str):
    """The label of a choice that carries its explanation for the template."""

    __slots__ = ("explanation",)
    explanation: str

    @classmethod
    def of(cls, words: str | Promise, explanation: str | Promise) -> "Label":
        label = cls(words)
        label.explanation = str(explanation)
        return label


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


class KindsField(forms.MultipleChoiceField):
    """One wish or several. A kind that is not offered, or that is named twice, is an error here."""

    default_error_messages: ClassVar = {
        "required": _("Choose what you would like us to do."),
        "invalid_choice": _("Choose one of the rights listed here."),
        "twice": _("You have chosen the same thing twice."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple, **kwargs)

    def to_python(self, value: Any) -> list[str]:
        return [kind for kind in super().to_python(value) if kind]

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(set(value)) != len(value):
            raise ValidationError(self.error_messages["twice"], code="twice")


def choices(labels: Iterable[tuple[str, str | Promise, str | Promise]]) -> list[tuple[str, Label]]:
    """(code, words, explanation) as choices of a field, in the active language."""
    return [(code, Label.of(words, explanation)) for code, words, explanation in labels]


def language() -> str:
    """The visitor's language, if mails can be written in it."""
    active = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
    return active if active in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
