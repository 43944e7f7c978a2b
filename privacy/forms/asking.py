"""Asking for something: first what, one thing or several, then the few questions of each.

What could go wrong: a visitor without JavaScript, or with a bare link to one kind, gets stuck; a wish that is no
longer offered, or that is named twice; a wish that nobody can act on because its one needed answer is missing. So the
choice is a plain form by GET, a wrong one is shown again with all that was typed, and errors stand at their fields.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from crasme.kit import cards
from privacy.clock.regimes import Regime
from privacy.forms.fields import AddressField, KindsField, StorableCharField, choices, language
from privacy.forms.sections import Section, facts_of, fields_of, needs_words
from privacy.models import Request, Right
from privacy.services.intake import Submission
from privacy.steps.definitions import needs_proof

LONGEST_DETAILS = 5_000
# A report on a child's account asks other questions and has a page of its own.
ELSEWHERE = (Request.Kind.CHILD,)

PLACES = [
    ("", _("I would rather not say")),
    (Regime.EU, _("European Union, Iceland, Liechtenstein or Norway")),
    (Regime.UK, _("United Kingdom")),
    (Regime.CALIFORNIA, _("California")),
    (Regime.BRAZIL, _("Brazil")),
    (Regime.CANADA, _("Canada")),
    (Regime.OTHER, _("Somewhere else")),
]


class ChooseForm(forms.Form):
    """What somebody wants. The rights that can be asked for now, in the active language."""

    kind = KindsField(label=_("What would you like?"), help_text=_("You can choose several things at once."))

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["kind"].choices = choices(  # type: ignore[attr-defined]
            (kind, right.text("title"), right.text("explanation")) for kind, right in self.rights.items()
        )

    @cached_property
    def rights(self) -> dict[str, Right]:
        return {right.kind: right for right in Right.objects.open() if right.kind not in ELSEWHERE}


class RequestForm(ChooseForm):
    """What somebody asks for. Beside what their wishes need, one answer is needed: for which address."""

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
        error_messages={"required": _("Tell us in a few words what went wrong.")},
    )
    # People never see it; programs that fill in everything do.
    leave_empty = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def __init__(self, data: Any = None, *, kinds: Iterable[str] = ()) -> None:
        super().__init__(data, initial={"kind": list(kinds)})
        wanted = kinds if data is None else self["kind"].data
        # In the order of the register, which is also that of the cards they were chosen from.
        self.kinds = [kind for kind in self.rights if kind in wanted]
        for kind in self.kinds:
            self.fields |= fields_of(kind)
        if Request.Kind.COMPLAINT in self.kinds:
            self._ask_for_words()
        if self.at_once and "email" in self.fields:
            address = self.fields["email"]
            address.help_text = _("The one to which we send no more marketing.")
            address.error_messages["required"] = _("Give the address to which we send no more marketing.")
        self.order_fields(["kind", *(name for kind in self.kinds for name in fields_of(kind))])

    def _ask_for_words(self) -> None:
        details = self.fields["details"]
        details.required = True
        alone = len(self.kinds) == 1
        details.label = _("Your complaint") if alone else _("Your complaint, and anything else we should know")
        details.help_text = _("What happened, and when? Please write no passwords and no card numbers.")

    @property
    def at_once(self) -> bool:
        """Whether nothing has to be proven: then nothing but the address is asked for."""
        return bool(self.kinds) and not any(needs_proof(kind) for kind in self.kinds)

    @property
    def sections(self) -> list[Section]:
        return [Section(self.rights[kind], tuple(self[name] for name in fields_of(kind))) for kind in self.kinds]

    def clean_leave_empty(self) -> str:
        if self.cleaned_data["leave_empty"]:
            raise ValidationError(_("Leave this field empty; it is there to recognise programs."), code="filled")
        return ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("full_name", "details"):
            if cards.find(cleaned.get(name, "")):
                self.add_error(name, _("This looks like a payment card number. We store none: please take it out."))
        silent = not cleaned.get("details") and not self.has_error("details")
        if silent and any(needs_words(kind, cleaned) for kind in self.kinds):
            self.add_error("details", _("Say in your own words what it is about; nothing that you ticked says it."))
        return cleaned

    def submissions(self) -> list[Submission]:
        """A wish each, of one person. What was written stands with every wish: each may be worked on by itself."""
        cleaned = self.cleaned_data
        return [
            Submission(
                kind=kind,
                email=cleaned["email"],
                full_name=cleaned["full_name"],
                language=language(),
                details=cleaned["details"],
                regime=cleaned["place"] or Regime.OTHER,
                facts=facts_of(kind, cleaned),
            )
            for kind in self.kinds
        ]
