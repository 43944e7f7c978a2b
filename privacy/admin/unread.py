"""What came in and nobody has read, on every page that decides about a request (the rule: privacy.services.reading).

What could go wrong: a person takes something back, and the copy goes out over the unread letter (the page shows it, and
who decides says that it was read), or one letter more comes in between the page and the button (the tick names the
newest one that it shows), or while the button is being answered (only what the page showed is marked as read, and the
service looks again). Whoever writes back, or marks as read, does so for what the page showed, too.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from privacy.admin.forms import DeskForm
from privacy.models import Attachment, Message, Request
from privacy.services import reading, writing

DECIDING: Final = frozenset({"grant", "release", "propose", "approve", "decide", "answer", "refuse", "settle"})
FIELD: Final = "have_read"
MOST: Final = 100  # letters on one page, the oldest; whoever has read them is shown the next


class Tick(forms.MultipleChoiceField):
    """That the messages `shown` were read."""

    def __init__(self, shown: list[UUID], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shown = shown


class ReadingForm(DeskForm):
    """Of an act by which something is read: `incoming` is what the page shows, and `seen` carries it along."""

    # Their ids, each with a blank behind it.
    seen = forms.CharField(required=False, max_length=MOST * 37, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, asked: Request, by: Any) -> None:
        super().__init__(data, asked=asked, by=by)
        self.incoming = came_in(asked)
        self.fields["seen"].initial = " ".join(str(message.pk) for message in self.incoming)

    def clean_seen(self) -> list[UUID]:
        try:
            return [UUID(each) for each in self.cleaned_data["seen"].split()]
        except ValueError:
            raise ValidationError(_("Reload the page and try again.")) from None


def came_in(row: Request) -> list[Message]:
    """Unread, the oldest first, with the files; MOST of them at most."""
    files = Prefetch("attachments", Attachment.objects.defer("content"))
    found = Message.objects.of_conversation(row).unread().select_related("request", "recipient")
    return list(found.prefetch_related(files).order_by("created_at", "id")[:MOST])


def ask(form: forms.Form, act: str, row: Any) -> list[Message]:
    """What there is; the form of an act that decides then asks for the tick."""
    if act not in DECIDING or not isinstance(row, Request):
        return []
    found = came_in(row)
    if found:
        form.fields[FIELD] = Tick(
            [message.pk for message in found],
            label=_("What came in"),
            choices=[(str(found[-1].pk), _("I have read it."))],
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            error_messages=dict.fromkeys(("required", "invalid_choice"), str(reading.unread())),
        )
    return found


def settle(form: Any, row: Any, *, now: datetime) -> None:
    """Mark as read what was ticked as read, and leave the act only what is its own."""
    if form.cleaned_data.pop(FIELD, None):
        writing.mark_read(row, form.fields[FIELD].shown, by=form.by, now=now)
