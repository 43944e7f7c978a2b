"""The forms behind the buttons of the desk. Each knows the request it is about and who presses the button."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from crasme.kit.text import clean
from crasme.staff.models import User
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from privacy.correspondence import preview
from privacy.correspondence.render import Rendered
from privacy.kinds import refusable
from privacy.models import Request
from privacy.services import copies, plans
from privacy.states import Outcome


class DeskForm(forms.Form):
    """`asked` is the row that the button is on.

    `letter` names the letter that the act writes, with the words in the field `words`; it can be looked at before
    it is sent. What the act writes into the request or the message besides is in `letter_changes` and `letter_facts`.
    """

    letter = ""

    def __init__(self, data: Any = None, *, asked: Any, by: User) -> None:
        self.asked, self.by = asked, by
        super().__init__(data)

    def letter_sent(self) -> str:
        return self.letter

    def letter_changes(self) -> dict[str, Any]:
        return {}

    def letter_facts(self) -> dict[str, Any]:
        return {}

    def preview(self, *, now: datetime) -> Rendered:
        """The letter as the person would get it; the form is valid. LetterBroken when none can be made."""
        return preview.of_letter(
            self.asked,
            self.letter_sent(),
            written=clean(self.cleaned_data.get("words", "")).strip(),
            facts=self.letter_facts(),
            changes=self.letter_changes(),
            now=now,
        )


class AnsweringForm(DeskForm):
    """Of an act that ends the request: whoever may learn nothing gets the same letter in every case."""

    def letter_sent(self) -> str:
        return self.letter if self.asked.discloses else "child-answered"


class PlanForm(DeskForm):
    """Carries the hash of the plan on the screen, so that no other one is approved."""

    plan_hash = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        self.plan = plans.current(asked)
        self.fields["plan_hash"].initial = self.plan.hash if self.plan else ""
        self.more = [
            _(
                "A copy was asked for as well, and nobody has fetched it: %(reference)s."
                " It will be destroyed with the data."
            )
            % {"reference": wait.copy.reference}
            for wait in copies.lost(asked, now=timezone.now())
        ]


class NoteForm(DeskForm):
    body = forms.CharField(
        label=_("Note"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        max_length=10_000,
        help_text=_("For colleagues. The person sees it if they ask for a copy of their data."),
    )


class HandOverForm(DeskForm):
    to = forms.ModelChoiceField(
        label=_("Colleague"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("nobody"),
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        colleagues = User.objects.filter(is_active=True, is_staff=True)
        officers_only = asked.kind == Request.Kind.CHILD
        names = (PRIVACY_OFFICER,) if officers_only else (SUPPORT_AGENT, PRIVACY_OFFICER)
        roles = colleagues.filter(groups__name__in=names).distinct()
        self.fields["to"].queryset = roles.order_by("first_name", "last_name", "pk")  # type: ignore[attr-defined]
        self.fields["to"].initial = asked.assignee_id


class RefuseForm(AnsweringForm):
    letter = "refused"
    reason = forms.ChoiceField(label=_("Reason"), choices=Request.Refusal.choices, widget=UnfoldAdminRadioSelectWidget)
    words = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("Added to the letter, which gives the reason and the person's remedies anyway."),
    )

    def __init__(self, data: Any = None, *, asked: Request, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        if not asked.discloses:
            del self.fields["words"]
        self.fields["reason"].choices = [(each.value, each.label) for each in refusable(asked.kind)]  # type: ignore[attr-defined]

    def letter_changes(self) -> dict[str, Any]:
        return {"refusal_reason": self.cleaned_data["reason"]}


class AnswerForm(DeskForm):
    letter = "answered"
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[(each.value, each.label) for each in (Outcome.GRANTED, Outcome.PARTLY)],
        widget=UnfoldAdminRadioSelectWidget,
    )
    words = forms.CharField(
        label=_("The answer"),
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=_("Say what was done, in the person's language. It is the letter."),
    )
