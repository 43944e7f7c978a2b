"""What the rules did, run by run; and the one thing to decide: whether a run over its limits may go on."""

import json
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from crasme.crm.admin.base import DayFilter
from crasme.kit.errors import CrasmeError
from crasme.staff import actors
from crasme.staff.admin import EstimatePaginator, ReadOnlyAdmin, StaffModelAdmin, confirmed
from retention import services
from retention.models import Run


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin, StaffModelAdmin):
    paginator = EstimatePaginator
    list_display = ("rule", "period_key", "condition", "rows_total", "rows_due", "cutoff", "time", "finished_at")
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        ("rule__slug", admin.AllValuesFieldListFilter),
        ("started_at", DayFilter),
    ]
    list_select_related = ("rule",)
    ordering = ("-started_at", "-id")
    fieldsets = (
        (None, {"fields": (("rule", "period_key", "state"), ("cutoff", "started_at", "finished_at"))}),
        (_("What went"), {"fields": (("rows_total", "rows_due", "share_due"), "went", "digest")}),
        (_("Cost"), {"fields": (("time", "wal_bytes"),)}),
        (_("Trouble"), {"fields": (("attempts", "last_error", "retry_at"),)}),
        (_("Who"), {"fields": (("asked", "approved", "approved_at"),)}),
    )
    readonly_fields = ("time", "went", "asked", "approved")
    actions_detail = ("approve",)

    @display(
        description=_("state"),
        ordering="state",
        label={
            Run.State.RUNNING: "info",
            Run.State.WAITING: "warning",
            Run.State.STOPPED: "danger",
            Run.State.DONE: "success",
        },
    )
    def condition(self, run: Run) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description=_("time at work"), ordering="busy")
    def time(self, run: Run) -> str:
        return f"{run.busy.total_seconds():,.2f} s"

    @display(description=_("rows by table"))
    def went(self, run: Run) -> str:
        return format_html("<pre>{}</pre>", json.dumps(run.counts, indent=2, sort_keys=True)) if run.counts else "–"

    @display(description=_("asked for by"))
    def asked(self, run: Run) -> str:
        return actors.names([run.requested_by])[run.requested_by]

    @display(description=_("approved by"))
    def approved(self, run: Run) -> str:
        return actors.names([run.approved_by])[run.approved_by] if run.approved_by else "–"

    # --- approval ----------------------------------------------------------------------------------------------------
    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("retention.approve_run")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        run = self.get_object(request, unquote(str(object_id)))
        if run is None or run.state != Run.State.WAITING:
            return []
        return list(super().get_actions_detail(request, object_id))

    @action(
        description=_("Approve"),
        permissions=["approve"],
        icon="done_all",
        variant=ActionVariant.DANGER,
    )
    @confirmed(
        title=_("Let this run go on?"),
        text=_("It would end more rows than its rule may do unasked. Deleted rows do not come back."),
        button=_("Approve the run"),
        danger=True,
    )
    def approve(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        run = self.get_object(request, unquote(object_id))
        if run is None:
            raise Http404
        try:
            services.approve(run, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Approved: the run goes on within a minute."))
        return redirect("admin:retention_run_change", run.pk)
