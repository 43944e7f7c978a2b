"""What the rules did, run by run; and the one thing to decide: whether a run over its limits may go on."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from crasme.crm.admin.base import DayFilter
from crasme.kit.errors import CrasmeError
from crasme.staff import actors
from crasme.staff.admin import EstimatePaginator, ReadOnlyAdmin, StaffModelAdmin, confirmed
from crasme.staff.stepup import step_up
from retention import certificate, fields, ruletext, services, wording
from retention.anonymity.report import Report
from retention.errors import RuleBroken
from retention.models import Run


class PlanForm(forms.Form):
    """The hash of the plan that stood on the page: an approval is one of that, and of no later one."""

    plan = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


def _what_is_approved(run: Run) -> list[str]:
    rows = _("%(rows)s rows of %(table)s before %(cutoff)s UTC, and at most %(most)s.") % {
        "rows": f"{run.rows_due:,}",
        "table": run.rule.target,
        "cutoff": f"{run.cutoff:%Y-%m-%d %H:%M}",
        "most": f"{run.planned['rows'] + run.planned['tolerance']:,}" if run.planned else "?",
    }
    return [rows, *(wording.reasons(run.planned) if run.planned else []), wording.drift(run)]


def _plan_shown(run: Run) -> dict[str, str]:
    return {"plan": run.plan.hash if run.plan else ""}


def _offered(run: Run, viewer: str) -> tuple[str, ...]:
    """The buttons that lead on from where the run is; none for what this viewer would be refused."""
    if run.entry is not None:
        return ("certificate",)
    if run.state == Run.State.WAITING:
        decide = "approve" if run.is_asked_for else "ask"
        return ("plan_anew",) if run.requested_by == viewer else (decide, "plan_anew")
    return ("plan_anew",) if run.state == Run.State.STOPPED else ()


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin, StaffModelAdmin):
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
        (_("What went"), {"fields": ("rows_ended", "went", "digest", "anonymous")}),
        (_("Cost"), {"fields": (("time", "written", "vacuum"),)}),
        (_("Trouble"), {"fields": (("attempts", "trouble", "retry_at"),)}),
        (_("Who"), {"fields": (("asked", "approved", "approved_at"),)}),
    )
    readonly_fields = (
        "trouble", "time", "went", "asked", "approved", "how_far", "allowed", "why_approval", "off", "plan_hash",
        "vacuum", "anonymous", "state_words", "acts", "rows_ended", "rows_planned", "share", "written",
    )  # fmt: skip
    actions_detail = ("certificate", "ask", "approve", "plan_anew")

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
        return run.state, wording.state(run)

    @display(description=_("state"))
    def state_words(self, run: Run) -> str:
        return wording.state(run)

    @display(description=_("rows ended"), ordering="rows_total")
    def rows_ended(self, run: Run) -> str:
        return f"{run.rows_total:,}"

    @display(description=_("rows due at the start (an estimate where whole months go at once)"))
    def rows_planned(self, run: Run) -> str:
        return f"{run.rows_due:,}"

    @display(description=_("share of the table"))
    def share(self, run: Run) -> str:
        return ruletext.share(run.share_due)

    @display(description=_("written to the database's write-ahead log (WAL)"))
    def written(self, run: Run) -> str:
        return filesizeformat(run.wal_bytes)

    @display(description=_("who acts"))
    def acts(self, run: Run) -> str:
        if run.state != Run.State.WAITING:
            return "–"
        if not run.is_asked_for:
            return str(_("Anybody who may approve large runs asks for it; then another person approves it."))
        return _("%(who)s asked for it; another person who may approve large runs approves it.") % {
            "who": actors.names([run.requested_by])[run.requested_by]
        }

    @display(description=_("last error"))
    def trouble(self, run: Run) -> str:
        if run.last_error == RuleBroken.code:
            try:
                fields.require(run.rule)
            except RuleBroken as error:  # which rule and column, as it is now
                return str(error)
        return wording.trouble(run.last_error)

    @display(description=_("time at work"), ordering="busy")
    def time(self, run: Run) -> str:
        return f"{run.busy.total_seconds():,.2f} s"

    @display(description=_("progress"))
    def how_far(self, run: Run) -> str:
        """A bar, and what it says in words; no bar before anything went, which would look like a full one."""
        if run.state != Run.State.DONE and not run.rows_total:
            return ngettext("none of %(rows)s row yet", "none of %(rows)s rows yet", run.rows_due) % {
                "rows": f"{run.rows_due:,}"
            }
        words = ngettext("%(share)d %% of %(rows)s row", "%(share)d %% of %(rows)s rows", run.rows_due)
        words %= {"share": run.share_done, "rows": f"{run.rows_due:,}"}
        more = (wording.batches(run), wording.left(run)) if run.state == Run.State.RUNNING else ()
        text = ", ".join(part for part in (words, *more, wording.rested(run)) if part)
        return format_html('<progress max="100" value="{}" aria-label="{}"></progress> {}', run.share_done, text, text)

    @display(description=_("may end at most"))
    def allowed(self, run: Run) -> str:
        return f"{run.planned['rows'] + run.planned['tolerance']:,}" if run.planned else "–"

    @display(description=_("why it needs an approval"))
    def why_approval(self, run: Run) -> str:
        return "; ".join(wording.reasons(run.planned)) or "–" if run.planned else "–"

    @display(description=_("more than planned"))
    def off(self, run: Run) -> str:
        return wording.drift(run) or "–"

    @display(description=_("hash of the plan"))
    def plan_hash(self, run: Run) -> str:
        return run.plan.hash if run.plan else "–"

    @display(description=_("space freed (vacuum)"))
    def vacuum(self, run: Run) -> str:
        done = run.progress.get("vacuum")
        if done is None:
            return str(_("wanted")) if "vacuum_wanted" in run.progress else "–"
        text = ngettext("%(tables)d table in %(seconds)s s", "%(tables)d tables in %(seconds)s s", len(done["tables"]))
        text %= {"tables": len(done["tables"]), "seconds": f"{done['seconds']:,.2f}"}
        failed = ", ".join(done["failed"])
        return "; ".join((text, _("left to the server: %(tables)s") % {"tables": failed})) if failed else text

    @display(description=_("rows by table"))
    def went(self, run: Run) -> str:
        named = {
            "carried": str(_("carried over, because something keeps them")),
            "partitions": str(_("whole months removed")),
        }
        lines = [(named.get(label) or wording.table(label), f"{rows:,}") for label, rows in sorted(run.counts.items())]
        return format_html_join("", "<p>{}: {}</p>", lines) if lines else "–"

    @display(description=_("check of anonymity"))
    def anonymous(self, run: Run) -> str:
        if run.anonymity is None:
            return "–"
        report = Report.read(run.anonymity)
        return format_html_join("", "<p>{}</p>", [(line,) for line in report.lines()])

    @display(description=_("asked for by"))
    def asked(self, run: Run) -> str:
        return actors.names([run.requested_by])[run.requested_by]

    @display(description=_("approved by"))
    def approved(self, run: Run) -> str:
        return actors.names([run.approved_by])[run.approved_by] if run.approved_by else "–"

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
            "asked": self.asked(run),
            "approved": self.approved(run),
            "reasons": wording.reasons(run.planned) if run.planned else [],
            "counts": sorted(run.counts.items()),
            "anonymity": Report.read(run.anonymity).lines() if run.anonymity is not None else [],
        }
        return TemplateResponse(request, "admin/retention/run/certificate.html", context)

    @action(description=_("Stand for it (first of two)"), permissions=["approve"], icon="pan_tool")
    @confirmed(
        title=_("Stand for this run?"),
        text=_(
            "It would end more rows than its rule may do unasked. A second person has to approve exactly this plan."
        ),
        more=_what_is_approved,
        initial=_plan_shown,
        form_class=PlanForm,
        button=_("Stand for this run"),
    )
    @step_up
    def ask(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        asked = _("Asked: a second person approves it, and then the run goes on.")
        return self._decide(request, object_id, form, services.ask, asked)

    @action(
        description=_("Approve (second of two)"),
        permissions=["approve"],
        icon="done_all",
        variant=ActionVariant.DANGER,
    )
    @confirmed(
        title=_("Let this run go on?"),
        text=_("It would end more rows than its rule may do unasked. Deleted rows do not come back."),
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
