"""The tabs of a request's page. Each is a template over the picture; no forms, no queries of their own."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from privacy.models import ClockEvent, Correction, Message, Note, Plan, RecipientNotice, Step
from privacy.services.recipients import ACTS
from privacy.steps.definitions import proposed


class Tab(TabularInline):
    """An inline that lists nothing itself: the theme gives it a place among the tabs, the template fills it."""

    tab = True
    extra = 0
    max_num = 0
    can_delete = False
    show_count = False
    fields = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        none: QuerySet[Any] = super().get_queryset(request).none()
        return none

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FoundTab(Tab):
    model = Step
    verbose_name_plural = _("Found")
    template = "admin/privacy/request/found.html"


class PlanTab(Tab):
    model = Plan
    verbose_name_plural = _("Plan")
    template = "admin/privacy/request/plan.html"


class StepsTab(Tab):
    model = Step
    verbose_name_plural = _("Steps")
    template = "admin/privacy/request/steps.html"


class MessagesTab(Tab):
    model = Message
    verbose_name_plural = _("Messages")
    template = "admin/privacy/request/messages.html"


class NotesTab(Tab):
    model = Note
    verbose_name_plural = _("Notes")
    template = "admin/privacy/request/notes.html"


class StoryTab(Tab):
    model = ClockEvent
    verbose_name_plural = _("Timeline")
    template = "admin/privacy/request/story.html"


class CorrectionsTab(Tab):
    model = Correction
    verbose_name_plural = _("Corrections")
    template = "admin/privacy/request/corrections.html"


class RecipientsTab(Tab):
    model = RecipientNotice
    verbose_name_plural = _("Recipients told")
    template = "admin/privacy/request/recipients.html"


def of(kind: str) -> list[type[Tab]]:
    """The tabs of a request's page, in their order."""
    plan: list[type[Tab]] = [CorrectionsTab] if proposed(kind) else [PlanTab]
    told: list[type[Tab]] = [RecipientsTab] if kind in ACTS else []
    return [FoundTab, *plan, StepsTab, MessagesTab, *told, NotesTab, StoryTab]
