"""What came in and nobody has read, on every page that decides about a request (the rule: privacy.services.reading).

What could go wrong: a person takes something back, and the copy goes out over the unread letter (who decides says that
it was read), or one letter more comes in between the page and the button (the tick names the newest one that it shows),
or while the button is being answered (only what the tick stands for is marked as read, and the service looks again).
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from privacy.models import Message, Request
from privacy.services import desk, reading

DECIDING: Final = frozenset({"grant", "release", "propose", "approve", "decide", "answer", "refuse", "settle"})
FIELD: Final = "have_read"


class Tick(forms.MultipleChoiceField):
    """That the messages `shown` were read."""

    def __init__(self, shown: list[UUID], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shown = shown


def ask(form: forms.Form, act: str, row: Any) -> int:
    """How many there are; the form of an act that decides then asks for the tick."""
    if act not in DECIDING or not isinstance(row, Request):
        return 0
    found = list(
        Message.objects.of_conversation(row).unread().order_by("created_at", "id").values_list("pk", flat=True)
    )
    if found:
        form.fields[FIELD] = Tick(
            found,
            label=_("What came in"),
            choices=[(str(found[-1]), _("I have read it."))],
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            error_messages=dict.fromkeys(("required", "invalid_choice"), str(reading.unread())),
        )
    return len(found)


def settle(form: Any, row: Any, *, now: datetime) -> None:
    """Mark as read what was ticked as read, and leave the act only what is its own."""
    if form.cleaned_data.pop(FIELD, None):
        desk.mark_read(row, by=form.by, now=now, only=form.fields[FIELD].shown)
