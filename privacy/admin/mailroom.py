"""Inbound mail, and the files that came with mail.

What could go wrong: a mail is overlooked (what waits is the list, the oldest first, with the clock that runs), an
address leaks into a list (masked there), a file runs in the browser of whoever looks at it (it is only ever saved, as
bytes, by those who may work on requests, and each time is logged).
"""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now, gettext_lazy as _, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from crasme.kit.clock import controller_day
from crasme.kit.errors import CrasmeError
from crasme.kit.text import mask_email
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, ReadOnlyAdmin, panels
from crasme.staff.models import AccessEntry, User
from privacy import references
from privacy.admin.acts import Words, asks
from privacy.admin.clockface import left_words, tone
from privacy.admin.filters import SortedFilter
from privacy.admin.forms import DeskForm
from privacy.admin.saving import as_file
from privacy.mailroom import identity, quotes, triage
from privacy.models import Attachment, InboundMail, Request
from privacy.models.messages import SenderCheck
from privacy.querysets import email_hash

Status, Reading = InboundMail.Status, InboundMail.Reading


class RequestsForm(DeskForm):
    kinds = forms.MultipleChoiceField(
        label=_("What the person asks for"),
        choices=Request.Kind.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    language = forms.ChoiceField(
        label=_("Language of our mails"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, data: Any = None, *, asked: InboundMail, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        self.fields["kinds"].initial = asked.suggested_kinds
        self.fields["language"].initial = asked.language or settings.LANGUAGE_CODE


class FileForm(DeskForm):
    reference = forms.CharField(label=_("Reference of the request"), max_length=40, widget=UnfoldAdminTextInputWidget)

    def __init__(self, data: Any = None, *, asked: InboundMail, by: User) -> None:
        super().__init__(data, asked=asked, by=by)
        self.fields["reference"].initial = asked.suggested.reference if asked.suggested else ""

    def clean_reference(self) -> str:
        """The service asks again; here it is said at the field, and what was typed stays."""
        typed = str(self.cleaned_data["reference"])
        if not Request.objects.filter(reference=references.normalise(typed)).exists():
            raise forms.ValidationError(_("There is no request with this reference."))
        return typed


@admin.register(InboundMail)
class InboundMailAdmin(ReadOnlyAdmin, PersonalDataAdmin):
    empty_words = _("No mail waits to be sorted. What has been sorted is found with the filters.")
    paginator = EstimatePaginator
    list_display = ("headline", "sender_name", "why_here", "clock", "received_at")
    list_display_links = ("headline",)
    list_select_related = ("suggested", "request")
    list_filter = (SortedFilter, ("reading", ChoicesDropdownFilter), ("why", ChoicesDropdownFilter))
    search_fields = ("sender_hash",)
    search_help_text = _("A whole e-mail address.")
    ordering = ("received_at", "id")
    change_form_before_template = "admin/privacy/mail/overview.html"
    change_form_outer_before_template = None
    change_form_outer_after_template = panels.TEMPLATE  # how long the mail is kept is the last that is asked
    actions = ("dismiss_all",)
    actions_detail = ("make", "file", "dismiss", "sort_again", "look_again", "save_raw")

    class Media:
        css: ClassVar = {"all": ["privacy/desk.css"]}

    # --- the list ----------------------------------------------------------------------------------------------------
    def get_search_results(self, request: HttpRequest, queryset: QuerySet[InboundMail], search_term: str) -> Any:
        term = search_term.strip()
        return (queryset.filter(sender_hash=email_hash(term)) if term else queryset), False

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What waits: the oldest first. What is settled: the newest."""
        return ("-received_at", "-id") if request.GET.get("sorted") else self.ordering

    @display(description=_("mail"))
    def headline(self, mail: InboundMail) -> str:
        return (mail.subject or "")[:60] or (_now("(filed)") if mail.status == Status.FILED else _now("(no subject)"))

    @display(description=_("from"))
    def sender_name(self, mail: InboundMail) -> str:
        return mask_email(mail.sender) if mail.sender else "–"

    @display(
        description=_("taken for"),
        label={
            Status.TRIAGE: "warning",
            Status.FAILED: "danger",
            Status.RECEIVED: "info",
            Status.FILED: "success",
            Status.IGNORED: "",
        },
    )
    def why_here(self, mail: InboundMail) -> tuple[str, str]:
        taken = mail.get_reading_display() or mail.get_status_display()
        return mail.status, taken if mail.status == Status.TRIAGE else mail.get_status_display()

    @display(description=_("if it is a request"), ordering="received_at")
    def clock(self, mail: InboundMail) -> SafeString | str:
        if not mail.is_waiting:
            return "–"
        left = mail.days_left(controller_day(timezone.now()))
        return format_html('<span class="desk-clock {}"><span>{}</span></span>', tone(left), left_words(left))

    # --- the page ----------------------------------------------------------------------------------------------------
    def get_fieldsets(self, request: HttpRequest, obj: InboundMail | None = None) -> list[Any]:
        return []  # the overview says it all

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        mail = kwargs.get("obj")
        if mail is not None:
            words, quoted = quotes.split(mail.body or "")
            left = mail.days_left(controller_day(timezone.now()))
            context |= {
                "title": mail.subject or _now("(no subject)"),
                "words": words,
                "quoted": quoted,
                "attachments": list(mail.attachments.order_by("stored_at", "id")),
                "days_left": left,
                "late_words": left_words(left),
                "tone": tone(left),
                "kinds": [Request.Kind(kind).label for kind in mail.suggested_kinds if kind in Request.Kind.values],
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Only what fits the mail as it stands."""
        mail = self.get_object(request, unquote(str(object_id)))
        names = {f"privacy_inboundmail_{name}" for name in _fitting(mail)} if mail is not None else set()
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]

    # --- acts --------------------------------------------------------------------------------------------------------
    @action(
        description=_("Make a request of it"),
        permissions=["privacy.work_request"],
        icon="add_task",
        variant=ActionVariant.PRIMARY,
    )
    @asks(
        title=_("Make a request of it"),
        text=_("One for each thing asked, received when the mail was. The sender gets a mail to confirm it."),
        button=_("Make the request"),
        form_class=RequestsForm,
    )
    def make(self, http: HttpRequest, mail: InboundMail, form: Any) -> Words:
        made = triage.make_requests(mail, **form.cleaned_data, by=form.by, now=timezone.now())
        return _("Made: %(references)s") % {"references": ", ".join(request.reference for request in made)}

    @action(description=_("File it with a request"), permissions=["privacy.work_request"], icon="move_to_inbox")
    @asks(
        title=_("File it with a request"),
        text=_("Only mail from somebody who was written to about the request can be filed with it."),
        button=_("File it"),
        form_class=FileForm,
    )
    def file(self, http: HttpRequest, mail: InboundMail, form: Any) -> Words:
        triage.file_to(mail, **form.cleaned_data, by=form.by, now=timezone.now())
        return _("Filed. It stands among the request's messages.")

    @action(description=_("No privacy request"), permissions=["privacy.work_request"], icon="inventory_2")
    @asks(
        title=_("No privacy request"),
        text=_(
            "Nobody is answered. The mail can be found here until its period is over; one that names somebody who was"
            " forgotten is emptied at once."
        ),
        button=_("Set aside"),
    )
    def dismiss(self, http: HttpRequest, mail: InboundMail, form: Any) -> Words:
        triage.no_request(mail, by=form.by, now=timezone.now())
        return _("Set aside.")

    @action(description=_("Look at it again"), permissions=["privacy.work_request"], icon="undo")
    @asks(
        title=_("Look at it again"),
        text=_("It goes back to the mail that waits to be sorted."),
        button=_("Back to the list"),
    )
    def look_again(self, http: HttpRequest, mail: InboundMail, form: Any) -> Words:
        triage.look_again(mail, by=form.by, now=timezone.now())
        return _("It waits to be sorted again.")

    @action(description=_("Try again"), permissions=["privacy.redrive_step"], icon="replay")
    @asks(
        title=_("Try again"),
        text=_("A worker reads it once more. Has the cause been dealt with?"),
        button=_("Try again"),
    )
    def sort_again(self, http: HttpRequest, mail: InboundMail, form: Any) -> Words:
        triage.sort_again(mail, by=form.by, now=timezone.now())
        return _("It is in the queue again.")

    @action(description=_("Save the mail as it came"), permissions=["privacy.work_request"], icon="download")
    def save_raw(self, http: HttpRequest, object_id: str) -> HttpResponse:
        mail = self.get_object(http, unquote(object_id))
        if mail is None or mail.raw is None:
            raise Http404
        return _saved(self, http, mail, f"mail-{mail.pk.hex[-8:]}.eml", bytes(mail.raw))

    @admin.action(description=_("No privacy request"), permissions=["work"])
    def dismiss_all(self, request: HttpRequest, queryset: QuerySet[InboundMail]) -> None:
        done = 0
        for mail in queryset:
            try:
                triage.no_request(mail, by=request.user, now=timezone.now())  # type: ignore[arg-type]
                done += 1
            except CrasmeError as error:
                messages.error(request, str(error))
        messages.success(
            request, ngettext("%(count)d mail set aside.", "%(count)d mails set aside.", done) % {"count": done}
        )

    def has_work_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("privacy.work_request")


def _fitting(mail: InboundMail) -> set[str]:
    names = {"save_raw"} if mail.raw is not None else set()
    if mail.is_waiting:
        names |= {"dismiss", *({"make", "file"} if mail.sender else ())}
    if mail.sender_check == SenderCheck.FAILED:
        names.discard("file")
    if mail.status == Status.FAILED:
        names.add("sort_again")
    if mail.status == Status.IGNORED and not mail.is_emptied:
        names.add("look_again")
    return names


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin, PersonalDataAdmin):
    """That files exist; what is in them is saved, never shown."""

    empty_words = _("Files that people send by mail or with a reply are listed here.")
    paginator = EstimatePaginator
    list_display = ("file_name", "belongs_to", "media_type", "size", "refused", "identity", "stored_at", "destroyed_at")
    list_select_related = ("message__request", "mail")
    list_filter: ClassVar[Any] = (("refused", ChoicesDropdownFilter), "identity")
    ordering = ("-stored_at", "-id")
    fields = (
        "belongs_to", ("file_name", "their_name"), ("media_type", "size"), ("refused", "identity"),
        ("stored_at", "destroyed_at"),
    )  # fmt: skip
    readonly_fields = ("belongs_to",)
    actions_detail = ("save_file", "mark_identity", "unmark_identity")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attachment]:
        return super().get_queryset(request).select_related("message__request", "mail").defer("content")

    @display(description=_("came with"))
    def belongs_to(self, file: Attachment) -> SafeString:
        if file.message is not None:
            address = reverse("admin:privacy_request_change", args=[file.message.request_id])
            return format_html('<a class="dash-ref" href="{}">{}</a>', address, file.message.request.reference)
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:privacy_inboundmail_change", args=[file.mail_id]), file.mail
        )

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        file = self.get_object(request, unquote(str(object_id)))
        there = file is not None and not file.refused and file.destroyed_at is None
        names = {"save_file", "unmark_identity" if file.identity else "mark_identity"} if file and there else set()
        wanted = {f"privacy_attachment_{name}" for name in names}
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in wanted]

    @action(description=_("Save the file"), permissions=["privacy.work_request"], icon="download")
    def save_file(self, http: HttpRequest, object_id: str) -> HttpResponse:
        file = self.get_object(http, unquote(object_id))
        if file is None or file.content is None:
            raise Http404
        return _saved(self, http, file, file.file_name, bytes(file.content))

    @action(description=_("It is an identity document"), permissions=["privacy.work_request"], icon="badge")
    @asks(
        title=_("It is an identity document"),
        text=_("It is destroyed as soon as the request is decided, and at once if it is decided already."),
        button=_("Mark it"),
    )
    def mark_identity(self, http: HttpRequest, file: Attachment, form: Any) -> Words:
        identity.mark(file, identity=True, by=form.by, now=timezone.now())
        return _("Marked.")

    @action(description=_("It is no identity document"), permissions=["privacy.work_request"], icon="badge")
    @asks(
        title=_("It is no identity document"),
        text=_("It stays with the request's correspondence."),
        button=_("Take the mark away"),
    )
    def unmark_identity(self, http: HttpRequest, file: Attachment, form: Any) -> Words:
        identity.mark(file, identity=False, by=form.by, now=timezone.now())
        return _("The mark is gone.")


def _saved(page: PersonalDataAdmin, http: HttpRequest, row: Any, name: str, content: bytes) -> HttpResponse:
    """The bytes, to be saved and not shown; logged in the transaction that hands them out."""
    with transaction.atomic():
        page.log_access(http, AccessEntry.Action.DOWNLOAD, subject_ref=page.subject_ref_of(row))
        return as_file(name, content)
