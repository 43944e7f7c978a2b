"""Plans: what would end on a day, also on one to come ("what goes in December"), drawn on request and kept."""

from datetime import UTC, date, datetime, time
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDateWidget

from crasme.kit.clock import controller_day
from crasme.staff import actors
from crasme.staff.admin import EstimatePaginator, ReadOnlyAdmin, StaffModelAdmin
from retention import effects, ordering as orders, reckoning, services, wording
from retention.engine import plans
from retention.errors import PlanTooFar
from retention.models import Plan, PlanOrder


class DayForm(forms.ModelForm):
    """Asks for the day alone; everything else is counted, by a worker."""

    day = forms.DateField(
        label=_("Day"),
        widget=UnfoldAdminDateWidget,
        help_text=_("What would be over at the end of that day, UTC. Nothing is deleted."),
    )

    class Meta:
        model = Plan
        fields: ClassVar[list[str]] = []

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        try:
            services.require_foreseeable(_end_of(day), timezone.now())
        except PlanTooFar as error:
            raise forms.ValidationError(str(error)) from None
        return day


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin, StaffModelAdmin):
    form = DayForm
    paginator = EstimatePaginator
    list_display = ("at", "rows_in_all", "rules", "made_at", "drawn_by", "short")
    list_filter: ClassVar = [("runs", admin.EmptyFieldListFilter)]
    ordering = ("-made_at", "-id")
    list_before_template = "admin/retention/plan/orders.html"
    empty_words = _("Every run has a plan, and “Add” draws one for any day: what would go then, and what would wait.")
    fieldsets = (
        (None, {"fields": (("at", "made_at", "drawn_by"), "table")}),
        (_("Proof"), {"fields": ("hash", "signature", "key", "intact")}),
    )
    readonly_fields = ("drawn_by", "table", "intact")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("retention.add_plan")

    def get_fieldsets(self, request: HttpRequest, obj: Plan | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj is not None else ((None, {"fields": ("day",)}),)

    def get_form(self, request: HttpRequest, obj: Plan | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj is not None else DayForm

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        return {"day": controller_day(timezone.now()).isoformat()}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A worker draws it; the list shows how far it is."""
        form = DayForm(request.POST) if request.method == "POST" and self.has_add_permission(request) else None
        if form is None or not form.is_valid():
            answer: HttpResponse = super().add_view(request, form_url, extra_context)
            return answer
        orders.order(_end_of(form.cleaned_data["day"]), actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        messages.info(request, _("The plan is being counted; it appears here."))
        return redirect("admin:retention_plan_changelist")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        asked = list(PlanOrder.objects.select_related("plan")[:5])
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "orders": asked})
        if any(order.is_open for order in asked):
            shown["Refresh"] = "3"
        return shown

    @display(description=_("rows"))
    def rows_in_all(self, plan: Plan) -> str:
        return f"{plan.rows:,}"

    @display(description=_("rules"))
    def rules(self, plan: Plan) -> str:
        return plan.lines[0]["rule"] if len(plan.lines) == 1 else f"{len(plan.lines):,}"

    @display(description=_("drawn by"))
    def drawn_by(self, plan: Plan) -> str:
        return actors.names([plan.made_by])[plan.made_by]

    @display(description=_("hash"), ordering="hash")
    def short(self, plan: Plan) -> str:
        return plan.hash[:12]

    @display(description=_("hash and signature"))
    def intact(self, plan: Plan) -> str:
        if plans.is_ours(plan):
            return str(_("unchanged, signed by this installation"))
        if plans.is_intact(plan):
            return str(_("unchanged, but signed with another key than today's: compare it"))
        return str(_("not what was signed"))

    @display(description=_("what would go"))
    def table(self, plan: Plan) -> SafeString:
        lines = [
            line
            | {
                "before": datetime.fromisoformat(line["cutoff"]),
                "over": reckoning.over(line),
                "would": effects.would(line["action"], line["rows"]),
                "aside": reckoning.aside(line),
                "why": "; ".join(wording.reasons(line)),
            }
            for line in sorted(plan.lines, key=lambda line: (-line["rows"], line["rule"]))
        ]
        return render_to_string("admin/retention/plan/lines.html", {"lines": lines})


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, tzinfo=UTC)
