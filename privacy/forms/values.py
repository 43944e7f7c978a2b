"""Forms over what is held, value by value: for the person's own page and for colleagues who enter it for them.

What could go wrong: a value that nobody touched counts as a proposal (what the page showed goes along, and only what
differs from it counts), an error in one value that was wrong before keeps another from being put right (untouched
values are not judged), or the answer tells whether an address is known here (only the shape of a value is judged).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from crasme.kit import cards
from crasme.kit.text import problem
from privacy import readable
from privacy.models import Correction, Request
from privacy.readable import NOTHING
from privacy.services.holdings import Held, held
from privacy.services.places import normal, place_of

LONGEST = 2_000
CARD = _("This looks like a payment card number. We store none: please take it out.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One value on the page: what is held, what is proposed for it, and its field of the form."""

    held: Held
    proposal: Correction | None
    field: forms.BoundField


def storable(value: str) -> None:
    if what := problem(value):
        raise ValidationError(
            _("This text holds %(what)s. Type it again, or paste it as plain text."),
            code="unstorable",
            params={"what": what},
        )


class ProposalForm(forms.Form):
    """A field for each value that is held, in the model's own kind."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, asked: Request) -> None:
        super().__init__(data)
        self.asked = asked
        self.there = held(asked)
        self.proposals = {place_of(each): each for each in asked.corrections.open()}
        for each in self.there:
            self.fields[each.key] = self._field(each)

    def widget(self, each: Held) -> forms.Widget | None:
        """Another widget than the field's own; None for that one."""
        return None

    def _field(self, each: Held) -> forms.Field:
        proposal = self.proposals.get(each.place)
        if each.in_words:
            field: forms.Field = forms.CharField(
                label=each.title,
                required=False,
                max_length=500,
                help_text=_("Describe in your own words what is right."),
            )
            field.initial = proposal.proposed if proposal else ""
        else:
            field = _languages(each) if each.is_language else each.field.formfield(show_hidden_initial=True)
            field.required = field.required or each.is_mailbox
            field.initial = proposal.proposed if proposal else each.stored
            field.validators.extend(own for own in each.field.validators if own not in field.validators)
            if getattr(field, "max_length", None) is None and not each.is_language:
                field.widget.attrs["maxlength"] = LONGEST
                field.validators.append(MaxLengthValidator(LONGEST))
        field.label = each.title
        field.validators.append(storable)
        if (widget := self.widget(each)) is not None:
            if isinstance(widget, forms.Select):
                widget.choices = field.choices  # type: ignore[attr-defined]  # a select is only put where there are some
            field.widget = widget
        if isinstance(field.widget, forms.Textarea):
            field.widget.attrs["rows"] = 3
        field.widget.attrs.setdefault("dir", "auto")
        return field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in set(self.errors) - set(self.changed_data):
            del self.errors[name]
        for name in self.changed_data:
            if cards.find(str(cleaned.get(name) or "")):
                self.add_error(name, CARD)
        return cleaned

    @property
    def values(self) -> dict[str, str]:
        """What differs from what the page showed."""
        return {name: normal(str(self.cleaned_data[name] or "")) for name in self.changed_data}

    def entries(self) -> Iterator[Entry]:
        for each in self.there:
            yield Entry(each, self.proposals.get(each.place), self[each.key])

    def groups(self) -> list[tuple[str, list[Entry]]]:
        """The values by record, under its name."""
        found: dict[Any, tuple[str, list[Entry]]] = {}
        for entry in self.entries():
            found.setdefault(entry.held.row, (entry.held.group, []))[1].append(entry)
        return list(found.values())


def _languages(each: Held) -> forms.Field:
    """A choice of languages by what they are called in the active one; what is held is among them."""
    named = {code: readable.language(code) for code, known in LANG_INFO.items() if "name" in known}
    held = {each.stored: each.text or NOTHING}
    found = sorted((held | named).items(), key=lambda language: language[1].casefold())
    blank = [("", NOTHING)] if each.field.blank and each.stored else []
    return forms.ChoiceField(choices=[*blank, *found], required=not each.field.blank, show_hidden_initial=True)
