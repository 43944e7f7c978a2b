"""The schedules of the task queue: when each last ran, run one now, switch one off.

The times themselves stand in the settings, and the scheduler writes them back at every start: a change here would be
lost, so none can be made. Django-allauth's and the scheduler's other pages are taken away for the same reason: what
they change has its own place or none.

What could go wrong: the library's words ("Last Run Datetime", "every 21600 seconds") where staff look for what runs
when. So each column and field has words of its own here.
"""

from datetime import datetime
from typing import ClassVar, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from celery import current_app
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy as _, ngettext
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


# What the scheduler adds by itself has no words at all.
WORDS: Final = {"celery.backend_cleanup": _("celery: forget old results (none are kept here)")}


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin, StaffModelAdmin):
    called = (_("schedule"), _("schedules"))
    empty_words = _("Schedules appear as soon as the scheduler has started once.")
    list_display = ("what", "schedule", "on", "last_run", "runs")
    list_filter = ("enabled",)
    search_fields = ("name", "task")
    search_help_text = _("A part of the name, or of the task's name in the code.")
    ordering = ("name",)
    fields = ("what", "schedule", ("on", "last_run", "runs"), ("in_code", "lane"))
    readonly_fields = ("what", "schedule", "on", "last_run", "runs", "in_code", "lane")
    list_select_related: ClassVar = ["interval", "crontab", "solar", "clocked"]
    actions = ("run_now", "switch_on", "switch_off")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("django_celery_beat.change_periodictask")

    @display(description=_("what is done"), ordering="name")
    def what(self, task: PeriodicTask) -> str:
        return str(WORDS.get(task.name, task.name))

    @display(description=_("when"))
    def schedule(self, task: PeriodicTask) -> str:
        return when(task)

    @display(description=_("on"), boolean=True, ordering="enabled")
    def on(self, task: PeriodicTask) -> bool:
        return bool(task.enabled)

    @display(description=_("last run"), ordering="last_run_at", empty_value=_("never"))
    def last_run(self, task: PeriodicTask) -> datetime | None:
        found: datetime | None = task.last_run_at
        return found

    @display(description=_("runs so far"), ordering="total_run_count")
    def runs(self, task: PeriodicTask) -> int:
        return int(task.total_run_count)

    @display(description=_("name in the code"))
    def in_code(self, task: PeriodicTask) -> str:
        return str(task.task)

    @display(description=_("queue"))
    def lane(self, task: PeriodicTask) -> str:
        return task.queue or gettext("the usual one")

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


def when(task: PeriodicTask) -> str:
    """How often, or at what time; what has no words here is said as the scheduler says it."""
    if task.interval is not None and (seconds := round(task.interval.schedule.run_every.total_seconds())):
        return _every(seconds)
    at = task.crontab
    daily = at is not None and {at.day_of_week, at.day_of_month, at.month_of_year} == {"*"}
    if daily and at.hour.isdecimal() and at.minute.isdecimal():
        time = f"{int(at.hour):02}:{int(at.minute):02}"
        return gettext("every day at %(time)s (%(zone)s)") % {"time": time, "zone": at.timezone}
    return str(task.scheduler)


def _every(seconds: int) -> str:
    if seconds % 86_400 == 0:
        return ngettext("every day", "every %(count)d days", seconds // 86_400) % {"count": seconds // 86_400}
    if seconds % 3600 == 0:
        return ngettext("every hour", "every %(count)d hours", seconds // 3600) % {"count": seconds // 3600}
    if seconds % 60 == 0:
        return ngettext("every minute", "every %(count)d minutes", seconds // 60) % {"count": seconds // 60}
    return ngettext("every second", "every %(count)d seconds", seconds) % {"count": seconds}
