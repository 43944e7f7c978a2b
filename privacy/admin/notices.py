"""Recipients told: who has answered, who has not, and who is late."""

from collections.abc import Callable
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
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from crasme.kit.clock import controller_day
from crasme.kit.errors import CrasmeError
from crasme.staff.admin import confirmed
from privacy.admin.records import OfRequestAdmin
from privacy.models import RecipientNotice
from privacy.querysets import RecipientNoticeQuerySet
from privacy.services import recipients

STANDING = {
    "answered": (_("answered"), "success"),
    "late": (_("overdue"), "danger"),
    "waiting": (_("waiting"), "warning"),
    "settled": (_("no answer awaited"), ""),
}


def standing_of(notice: RecipientNotice) -> str:
    if notice.acknowledged_at is not None:
        return "answered"
    if notice.why_not:
        return "settled"
    return "late" if notice.due_on < controller_day(timezone.now()) else "waiting"


class AnswerFilter(DropdownFilter):
    title = _("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("late", _("Overdue")), ("waiting", _("Waiting")), ("not_told", _("Cannot be told"))]

    def queryset(self, request: HttpRequest, queryset: RecipientNoticeQuerySet) -> QuerySet[Any]:
        match self.value():
            case "late":
                return queryset.overdue(controller_day(timezone.now()))
            case "waiting":
                return queryset.waiting()
            case "not_told":
                return queryset.exclude(why_not__in=("", recipients.WhyNot.OVER)).filter(acknowledged_at=None)
            case _:
                return queryset


class GiveUpForm(forms.Form):
    why = forms.ChoiceField(
        label=_("Why"),
        choices=[(each.value, each.label) for each in (recipients.WhyNot.IMPOSSIBLE, recipients.WhyNot.EFFORT)],
        widget=UnfoldAdminSelectWidget,
    )
    words = forms.CharField(
        label=_("In your own words"),
        max_length=2_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("Kept as a note on the request."),
    )


@admin.register(RecipientNotice)
class RecipientNoticeAdmin(OfRequestAdmin):
    empty_words = _("Recipients are told when a correction, an erasure or a restriction is carried out.")
    list_display = (
        "recipient",
        "of_request",
        "act",
        "standing",
        "created_at",
        "due_on",
        "reminders",
        "acknowledged_at",
    )
    list_select_related: ClassVar[Any] = ("request", "recipient")
    list_filter: ClassVar[Any] = (AnswerFilter, ("act", ChoicesDropdownFilter))
    ordering = ("due_on", "id")
    fields = (
        "of_request", ("recipient", "act"), ("created_at", "due_on"), ("reminders", "reminded_at"),
        ("acknowledged_at", "acknowledged_by"), "why_not", "message",
    )  # fmt: skip
    readonly_fields = ("of_request",)
    actions_detail = ("acknowledged", "cannot")

    @display(description=_("answer"), label={name: colour for name, (_words, colour) in STANDING.items()})
    def standing(self, notice: RecipientNotice) -> tuple[str, Any]:
        name = standing_of(notice)
        return name, STANDING[name][0]

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        notice = self.get_object(request, unquote(str(object_id)))
        waits = notice is not None and notice.acknowledged_at is None
        return super().get_actions_detail(request, object_id) if waits else []

    @action(description=_("It has answered"), permissions=["privacy.work_request"], icon="mark_email_read")
    @confirmed(
        title=_("It has answered"),
        text=_("The recipient has said, by whatever means, that it is done."),
        button=_("It has answered"),
    )
    def acknowledged(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        return self._act(request, object_id, recipients.acknowledge_by_hand)

    @action(description=_("Cannot be told"), permissions=["privacy.work_request"], icon="unsubscribe")
    @confirmed(
        title=_("Cannot be told"),
        text=_("It is impossible, or would take disproportionate effort. The person learns it with the answer."),
        button=_("Cannot be told"),
        form_class=GiveUpForm,
    )
    def cannot(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        return self._act(request, object_id, recipients.give_up, **form.cleaned_data)

    def _act(self, request: HttpRequest, object_id: str, service: Callable[..., None], **more: Any) -> HttpResponse:
        notice = get_object_or_404(
            RecipientNotice.objects.select_related("request", "recipient"), pk=unquote(object_id)
        )
        try:
            service(notice, by=request.user, now=timezone.now(), **more)
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is noted."))
        return redirect("admin:privacy_request_change", notice.request_id)
