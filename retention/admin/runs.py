"""What the rules did, run by run; and the one thing to decide: whether a run over its limits may go on."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant

from crasme.crm.admin.base import DayFilter
from crasme.kit.errors import CrasmeError
from crasme.staff.admin import EstimatePaginator, ReadOnlyAdmin, StaffModelAdmin, confirmed
from crasme.staff.stepup import step_up
from retention import certificate, effects, reckoning, services, wording
from retention.admin.runcolumns import RunColumns
from retention.anonymity.report import Report
from retention.models import Run


class PlanForm(forms.Form):
    """The hash of the plan that stood on the page: an approval is one of that, and of no later one."""

    plan = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


def _what_is_approved(run: Run) -> list[str]:
    """What would be done to how many rows, what of it is for good, and why it is asked."""
    most = f"{run.planned['rows'] + run.planned['tolerance']:,}" if run.planned else "?"
    said = effects.asked(run.rule, run.rows_due, before=f"{run.cutoff:%Y-%m-%d %H:%M}", most=most)
    why = wording.reasons(run.planned) if run.planned else []
    return [said, effects.for_good(run.rule.action), *why, wording.drift(run)]


def _plan_shown(run: Run) -> dict[str, str]:
    return {"plan": run.plan.hash if run.plan else ""}


def _offered(run: Run, viewer: str) -> tuple[str, ...]:
    """The buttons that lead on from where the run is; none for what this viewer would be refused."""
    if run.entry is not None:
        return ("certificate",)
    if run.state == Run.State.WAITING:
        decide = "approve" if run.is_approved_once else "approve_first"
        return ("plan_anew",) if run.requested_by == viewer else (decide, "plan_anew")
    return ("plan_anew",) if run.state == Run.State.STOPPED else ()


@admin.register(Run)
class RunAdmin(RunColumns, ReadOnlyAdmin, StaffModelAdmin):
    class Media:
        css: ClassVar = {"all": ["retention/run.css"]}

    paginator = EstimatePaginator
    list_display = ("rule", "period_key", "condition", "rows_ended", "how_far", "cutoff", "time", "finished_at")
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        ("rule__slug", admin.AllValuesFieldListFilter),
        ("started_at", DayFilter),
    ]
    list_select_related = ("rule", "plan")
    ordering = ("-started_at", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("rule", "period_key", "state_words"),
                    "acts",
                    ("cutoff", "started_at", "finished_at"),
                    "how_far",
                )
            },
        ),
        (_("Planned"), {"fields": (("rows_planned", "share", "allowed"), "why_approval", "off", "plan_hash")}),
        (_("What went"), {"fields": ("sums", "went", "digest", "anonymous")}),
        (_("Cost"), {"fields": (("time", "written", "vacuum"),)}),
        (_("Trouble"), {"fields": (("attempts", "trouble", "retry_at"),)}),
        (_("Who"), {"fields": (("begun", "first_approval", "second_approval", "approved_at"),)}),
    )
    readonly_fields = (
        "trouble", "time", "went", "begun", "first_approval", "second_approval", "how_far", "allowed", "why_approval",
        "off", "plan_hash", "vacuum", "anonymous", "state_words", "acts", "sums", "rows_planned", "share", "written",
    )  # fmt: skip
    actions_detail = ("certificate", "approve_first", "approve", "plan_anew")

    # --- approval ----------------------------------------------------------------------------------------------------
    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """One right for both: who asks today may be who approves tomorrow, of another run."""
        return request.user.has_perm("retention.approve_run")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        run = self.get_object(request, unquote(str(object_id)))
        if run is None:
            return []
        shown = list(super().get_actions_detail(request, object_id))
        names = _offered(run, request.user.ref)  # type: ignore[union-attr]
        return [each for each in shown if names and each.action_name.endswith(names)]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A run that is at work is followed without a script."""
        shown: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        run = self.get_object(request, unquote(object_id))
        if run is not None and run.state == Run.State.RUNNING:
            shown["Refresh"] = "5"
        return shown

    # --- certificate -------------------------------------------------------------------------------------------------
    def has_certificate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("retention.view_run")

    @action(description=_("Certificate"), permissions=["certificate"], icon="verified")
    def certificate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To be printed; with `?format=json` the file that anybody can check."""
        run = self.get_object(request, unquote(object_id))
        if run is None:
            raise Http404
        try:
            content = certificate.of(run)
        except CrasmeError as error:
            messages.error(request, str(error))
            return redirect("admin:retention_run_change", run.pk)
        if request.GET.get("format") == "json":
            answer = JsonResponse(content, json_dumps_params={"indent": 2, "ensure_ascii": False})
            answer["Content-Disposition"] = f'attachment; filename="retention-{run.rule.slug}-{run.period_key}.json"'
            return answer
        context = {
            "run": run,
            "content": content,
            "begun": self.begun(run),
            "approvals": [self.first_approval(run), self.second_approval(run)] if run.needs_approval else [],
            "did": effects.did(run.rule.action, run.rows_total),
            "reasons": wording.reasons(run.planned) if run.planned else [],
            "counts": wording.counts(run),
            "sums": reckoning.of_run(run),
            "anonymity": Report.read(run.anonymity).lines() if run.anonymity is not None else [],
        }
        return TemplateResponse(request, "admin/retention/run/certificate.html", context)

    @action(description=_("Approve (first of two)"), permissions=["approve"], icon="done")
    @confirmed(
        title=_("Approve this run as the first of two?"),
        text=_("It is more than its rule may do without approval. A second person has to approve the very same plan."),
        more=_what_is_approved,
        initial=_plan_shown,
        form_class=PlanForm,
        button=_("Approve the run"),
    )
    @step_up
    def approve_first(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        done = _("Approved: once a second person has approved it, the run goes on.")
        return self._decide(request, object_id, form, services.approve_first, done)

    @action(
        description=_("Approve (second of two)"),
        permissions=["approve"],
        icon="done_all",
        variant=ActionVariant.DANGER,
    )
    @confirmed(
        title=_("Approve this run as the second of two?"),
        text=_("It is more than its rule may do without approval, and goes on once you have approved it."),
        more=_what_is_approved,
        initial=_plan_shown,
        form_class=PlanForm,
        button=_("Approve the run"),
        danger=True,
    )
    @step_up
    def approve(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        return self._decide(request, object_id, form, services.approve, _("Approved: the run goes on within a minute."))

    def _decide(
        self, request: HttpRequest, object_id: str, form: Any, act: Callable[..., Run], done: str | Promise
    ) -> HttpResponse:
        run = self.get_object(request, unquote(object_id))
        if run is None:
            raise Http404
        try:
            act(run, plan_hash=form.cleaned_data["plan"], actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, str(done))
        return redirect("admin:retention_run_change", run.pk)

    @action(description=_("Plan anew"), permissions=["approve"], icon="refresh")
    @confirmed(
        title=_("Count anew what this run would end?"),
        text=_("The plan of “{object}” is drawn again. Within the limits of its rule the run goes on by itself."),
        button=_("Plan anew"),
    )
    def plan_anew(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        run = self.get_object(request, unquote(object_id))
        if run is None:
            raise Http404
        try:
            again = services.plan_anew(run, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            waits = again.needs_approval
            goes_on = _("Planned anew: the run goes on within a minute.")
            messages.info(request, _("Planned anew: it still waits for an approval.") if waits else goes_on)
        return redirect("admin:retention_run_change", run.pk)
