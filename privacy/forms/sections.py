"""The part of the request form that belongs to one wish: what happens, what it cannot do, and its questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from privacy.forms.fields import choices
from privacy.models import Right
from privacy.particulars import Question, questions_of


@dataclass(frozen=True, slots=True)
class Section:
    """`bound` are the form's fields of this wish, for the template."""

    right: Right
    bound: tuple[forms.BoundField, ...] = ()

    @property
    def kind(self) -> str:
        return self.right.kind

    @property
    def title(self) -> str:
        return self.right.text("title")

    @property
    def template(self) -> str:
        return f"portal/requests/kinds/{self.kind}.html"


def name_of(kind: str, question: Question) -> str:
    """The name of a question's field: several wishes stand on one page."""
    return f"{kind}-{question.name}"


def fields_of(kind: str) -> dict[str, forms.Field]:
    return {name_of(kind, question): _field(question) for question in questions_of(kind)}


def facts_of(kind: str, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What was ticked, by question, in codes; a question that was left open is left out."""
    answers = {question.name: cleaned.get(name_of(kind, question)) for question in questions_of(kind)}
    return {name: answer for name, answer in answers.items() if answer}


def needs_words(kind: str, cleaned: Mapping[str, Any]) -> bool:
    """Whether an answer was ticked that says nothing without the person's own words."""
    ticked = ((question, cleaned.get(name_of(kind, question))) for question in questions_of(kind))
    return any(answer in question.in_words for question, answer in ticked if not question.many)


def _field(question: Question) -> forms.Field:
    offered = choices((code, answer.words, answer.explanation) for code, answer in question.answers.items())
    options: dict[str, Any] = {
        "label": question.words,
        "choices": offered,
        "required": question.needed,
        "error_messages": {
            "required": _("Choose at least one.") if question.many else _("Choose one of these."),
            "invalid_choice": _("Choose one of these."),
        },
    }
    if question.many:
        return forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, **options)
    return _OneOf(standing=question.chosen, **options)


class _OneOf(forms.ChoiceField):
    """One answer of several. Whoever posts the bare form means the one that stands there already, if any does."""

    def __init__(self, *, standing: str, **kwargs: Any) -> None:
        super().__init__(widget=forms.RadioSelect, initial=standing or None, **kwargs)
        self._standing = standing
        self.may_stay_open = not (standing or self.required)

    def clean(self, value: Any) -> Any:
        return super().clean(value) or self._standing
