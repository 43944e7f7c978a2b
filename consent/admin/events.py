"""Consent records: found by reference, visitor or account, and read; the database lets nobody change them."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from consent import accounts, proofs
from consent.errors import ConsentError
from consent.models import ConsentEvent, Notice
from consent.models.events import State
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, ReadOnlyAdmin
from crasme.staff.admin.filters import RangeDateTimeFilter
from crasme.staff.models import AccessEntry

Action = ConsentEvent.Action


@admin.register(ConsentEvent)
class ConsentEventAdmin(ReadOnlyAdmin, PersonalDataAdmin):
    paginator = EstimatePaginator
    list_display = ("filed_at", "what", "allowed", "surface", "gpc", "language", "short_visitor")
    list_display_links = ("filed_at",)
    list_filter = (
        ("action", ChoicesDropdownFilter),
        ("surface", ChoicesDropdownFilter),
        "gpc",
        ("decided_at", RangeDateTimeFilter),
        ("filed_at", RangeDateTimeFilter),
    )
    actions_detail = ("proof",)
    ordering = ("-filed_at", "-id")
    search_fields = ("visitor",)
    search_help_text = _("The reference of a record, a visitor's number or an account's id, in full.")
    fieldsets: ClassVar = [
        (None, {"fields": (("action", "state"), "allowed", "refused", "asked_words", "surface", "gpc", "language")}),
        (_("When"), {"fields": ("shown_at", ("decided_at", "received_at"), "filed_at")}),
        (_("Proof"), {"fields": ("id", "visitor", "account", "notice_link", "digest", "intact")}),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ConsentEvent], search_term: str
    ) -> tuple[QuerySet[ConsentEvent], bool]:
        if not search_term:
            return queryset, False
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return queryset.none(), False
        theirs = Q(visitor__in=accounts.visitors_of(wanted))
        return queryset.filter(Q(id=wanted) | Q(visitor=wanted) | Q(account=wanted) | theirs), False

    @action(description=_("Proof of this choice (ZIP)"), url_path="proof", icon="inventory_2")
    def proof(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The record, the notice as it stood, its picture, the receipt and the ledger's proof, logged as an export."""
        event = self.get_object(request, unquote(object_id))
        if event is None:
            raise Http404
        if not self.has_view_permission(request, event):
            raise PermissionDenied
        with transaction.atomic():
            try:
                content = proofs.archive(event, now=timezone.now())
            except ConsentError as error:
                messages.error(request, str(error))
                return redirect("admin:consent_consentevent_change", event.pk)
            self.log_access(request, AccessEntry.Action.EXPORT, subject_ref=self.subject_ref_of(event))
        name = f"consent-proof-{event.short_id}.zip"
        return HttpResponse(
            content,
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    @display(
        description=_("choice"),
        ordering="action",
        label={
            Action.ACCEPT_ALL: "success",
            Action.SAVE: "info",
            Action.REFUSE_ALL: "warning",
            Action.CLOSE: "warning",
            Action.WITHDRAW: "danger",
        },
    )
    def what(self, event: ConsentEvent) -> tuple[str, str]:
        return event.action, event.get_action_display()

    @display(description=_("allowed"))
    def allowed(self, event: ConsentEvent) -> str:
        return ", ".join(slug for slug, yes in event.choices.items() if yes)

    @display(description=_("refused"))
    def refused(self, event: ConsentEvent) -> str:
        return ", ".join(slug for slug, yes in event.choices.items() if not yes) or "–"

    @display(description=_("asked about"))
    def asked_words(self, event: ConsentEvent) -> str:
        return ", ".join(event.asked) if event.asked is not None else str(_("all"))

    @display(description=_("state"))
    def state(self, event: ConsentEvent) -> str:
        return str(State(event.state_at(timezone.now())).label)

    @display(description=_("visitor"))
    def short_visitor(self, event: ConsentEvent) -> str:
        return f"…{event.visitor.hex[-8:]}"

    @display(description=_("notice that was shown"))
    def notice_link(self, event: ConsentEvent) -> Any:
        notice = Notice.objects.filter(sha256=event.notice).first()
        if notice is None:
            return event.notice
        return format_html('<a href="{}">{}</a>', reverse("admin:consent_notice_change", args=[notice.pk]), notice)

    @display(description=_("unchanged since it was stored"), boolean=True)
    def intact(self, event: ConsentEvent) -> bool:
        return event.computed_digest() == event.digest
