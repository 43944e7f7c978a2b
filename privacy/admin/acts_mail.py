"""Acts on a request's correspondence: write to the person, and say that what came in was read."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, ngettext
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from privacy.admin.acts import Words, asks
from privacy.admin.unread import ReadingForm
from privacy.models import Request
from privacy.services import writing


class WriteForm(ReadingForm):
    letter = "message"

    words = forms.CharField(
        label=_("Your message"),
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=_("In the person's language. It goes to the address on file and stands on the request's page."),
    )


class MailActs:
    """Mixed into the page of requests."""

    @action(description=_("Write to the person"), permissions=["privacy.work_request"], icon="edit_square")
    @asks(
        title=_("Write to the person"),
        text=_("A worker mails it. The clock goes on, and the request stays where it is."),
        button=_("Send"),
        form_class=WriteForm,
    )
    def write(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        told = form.cleaned_data
        writing.write(asked, words=told["words"], read=told["seen"], by=form.by, now=timezone.now())
        return _("The message is queued.")

    @action(description=_("Mark as read"), permissions=["privacy.work_request"], icon="mark_email_read")
    @asks(
        title=_("Mark as read"),
        text=_("What came in is no longer listed as unread. Whoever writes to the person marks it by that."),
        button=_("Mark as read"),
        form_class=ReadingForm,
    )
    def mark_read(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        count = writing.mark_read(asked, form.cleaned_data["seen"], by=form.by, now=timezone.now())
        return ngettext("%(count)d message is read.", "%(count)d messages are read.", count) % {"count": count}
