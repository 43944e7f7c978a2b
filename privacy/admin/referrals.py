"""What was passed on to customers: who has answered, who is late, and who could not be written to."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminRadioSelectWidget

from crasme.kit.clock import controller_day
from crasme.kit.errors import CrasmeError
from crasme.staff.admin import confirmed
from privacy.admin.records import OfRequestAdmin
from privacy.models import Referral
from privacy.querysets import ReferralQuerySet
from privacy.services import referrals

STANDING = {
    "found": (_("not passed on"), ""),
    "unreachable": (_("cannot be passed on by mail"), "danger"),
    "waiting": (_("waiting"), "warning"),
    "late": (_("overdue"), "danger"),
    "closed": (_("closed"), "success"),
}


def standing_of(referral: Referral) -> str:
    if referral.closed_at is not None:
        return "closed"
    if referral.sent_at is None or referral.due_on is None:
        return "unreachable" if referral.unreachable else "found"
    return "late" if referral.due_on < controller_day(timezone.now()) else "waiting"


class StandingFilter(DropdownFilter):
    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, STANDING[name][0]) for name in ("late", "waiting", "unreachable", "found", "closed")]

    def queryset(self, request: HttpRequest, queryset: ReferralQuerySet) -> QuerySet[Any]:
        today = controller_day(timezone.now())
        match self.value():
            case "late":
                return queryset.overdue(today)
            case "waiting":
                return queryset.open().filter(due_on__gte=today)
            case "unreachable":
                return queryset.waiting().filter(unreachable=True)
            case "found":
                return queryset.waiting().filter(unreachable=False)
            case "closed":
                return queryset.exclude(closed_at=None)
            case _:
                return queryset


class SettleForm(forms.Form):
    answer = forms.ChoiceField(
        label=_("What the customer said"),
        choices=[(each.value, each.label) for each in (referrals.Answer.DONE, referrals.Answer.NOT_OURS)],
        widget=UnfoldAdminRadioSelectWidget,
    )


@admin.register(Referral)
class ReferralAdmin(OfRequestAdmin):
    empty_words = _("Wishes of people about whom only a customer wrote are passed on from the page of their request.")
    list_display = (
        "customer",
        "of_request",
        "standing",
        "contacts",
        "sent_at",
        "due_on",
        "reminders",
        "outcome",
    )
    list_display_links = ("customer",)
    list_select_related: ClassVar[Any] = ("request", "organisation")
    list_filter: ClassVar[Any] = (StandingFilter, ("outcome", ChoicesDropdownFilter))
    list_before_template = "admin/privacy/referral/figures.html"
    ordering = ("due_on", "id")
    fields = (
        "of_request", ("organisation", "contacts"), ("found_at", "unreachable"), ("sent_at", "due_on", "reminders"),
        ("acknowledged_at", "outcome"), ("closed_at", "settled_by"),
    )  # fmt: skip
    readonly_fields = ("of_request",)
    actions_detail = ("settle",)

    class Media:
        css: ClassVar = {"all": ["privacy/desk.css"]}

    @display(description=_("customer"), ordering="organisation__name")
    def customer(self, referral: Referral) -> str:
        return referral.organisation.name

    @display(description=_("standing"), label={name: colour for name, (_words, colour) in STANDING.items()})
    def standing(self, referral: Referral) -> tuple[str, Any]:
        name = standing_of(referral)
        return name, STANDING[name][0]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        figures = Referral.objects.figures(controller_day(timezone.now()))
        return super().changelist_view(request, {**(extra_context or {}), "figures": figures})

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        referral = self.get_object(request, unquote(str(object_id)))
        waits = isinstance(referral, Referral) and referral.is_open
        return super().get_actions_detail(request, object_id) if waits else []

    @action(description=_("The customer has answered"), permissions=["privacy.work_request"], icon="mark_email_read")
    @confirmed(
        title=_("The customer has answered"),
        text=_("By telephone or by a mail of their own; note here what they said."),
        button=_("Note it"),
        form_class=SettleForm,
    )
    def settle(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        referral = get_object_or_404(Referral.objects.select_related("request"), pk=unquote(object_id))
        try:
            referrals.settle(referral, answer=form.cleaned_data["answer"], by=request.user, now=timezone.now())  # type: ignore[arg-type]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is noted."))
        return redirect("admin:privacy_request_change", referral.request_id)
