"""The schedules of the task queue: when each last ran, run one now, switch one off.

The times themselves stand in the settings, and the scheduler writes them back at every start: a change here would be
lost, so none can be made. Django-allauth's and the scheduler's other pages are taken away for the same reason: what
they change has its own place or none.
"""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from celery import current_app
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)
from unfold.decorators import display

from crasme.staff.admin.base import ReadOnlyAdmin, StaffModelAdmin

for model in (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
    EmailAddress,
    Authenticator,
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("name", "schedule", "on", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    search_fields = ("name", "task")
    ordering = ("name",)
    fields = ("name", "task", "schedule", "queue", "enabled", "last_run_at", "total_run_count", "description")
    list_select_related: ClassVar = ["interval", "crontab", "solar", "clocked"]
    actions = ("run_now", "switch_on", "switch_off")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("django_celery_beat.change_periodictask")

    @display(description=_("schedule"))
    def schedule(self, task: PeriodicTask) -> Any:
        return task.scheduler

    @display(description=_("on"), boolean=True, ordering="enabled")
    def on(self, task: PeriodicTask) -> bool:
        return bool(task.enabled)

    @admin.action(description=_("Run now"), permissions=["operate"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Wakes the task as the scheduler would; it finds its work in the database."""
        for task in queryset:
            current_app.send_task(task.task, queue=task.queue or None)
        self.message_user(request, _("Woken."), messages.SUCCESS)

    @admin.action(description=_("Switch on"), permissions=["operate"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        self._switch(request, queryset, on=True)

    @admin.action(description=_("Switch off"), permissions=["operate"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        self._switch(request, queryset, on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[PeriodicTask], *, on: bool) -> None:
        queryset.update(enabled=on, last_run_at=None)
        PeriodicTasks.update_changed()
        self.message_user(request, _("Switched on.") if on else _("Switched off."), messages.SUCCESS)
