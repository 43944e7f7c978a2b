"""The schedule, to look at: what ends when and why, the next cut-off, and what the last run did."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin
from retention import predicate
from retention.models import Rule, Run

# Counting further would read much of a large table, and the page only has to say "many".
COUNT_UP_TO = 10_000


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("slug", "target", "ends_after", "action", "policy_section", "condition", "next_cutoff", "last_run")
    list_filter: ClassVar = [("state", ChoicesDropdownFilter), ("action", ChoicesDropdownFilter)]
    search_fields: ClassVar = ["slug", "target"]
    ordering = ("slug", "-effective_from")
    fieldsets = (
        (None, {"fields": (("slug", "state", "effective_from"), ("target", "anchor", "period"), "action")}),
        (_("Why"), {"fields": ("legal_reason", "policy_section")}),
        (_("Limits"), {"fields": (("batch_size", "max_rows", "max_share"), ("unreferenced_by", "carry_to"))}),
        (_("Now"), {"fields": (("next_cutoff", "over_now", "kept_now"),)}),
    )
    readonly_fields = ("next_cutoff", "over_now", "kept_now")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        runs = Run.objects.filter(rule=OuterRef("pk")).order_by("-started_at", "-id")
        rules: QuerySet[Rule] = super().get_queryset(request)
        return rules.annotate(
            last_key=Subquery(runs.values("period_key")[:1]),
            last_rows=Subquery(runs.values("rows_total")[:1]),
            last_state=Subquery(runs.values("state")[:1]),
        )

    @display(description=_("ends after"), ordering="period")
    def ends_after(self, rule: Rule) -> str:
        return rule.length.words() if rule.period else "–"

    @display(
        description=_("state"),
        ordering="state",
        label={Rule.State.DRAFT: "info", Rule.State.ACTIVE: "success", Rule.State.RETIRED: "danger"},
    )
    def condition(self, rule: Rule) -> tuple[str, str]:
        return rule.state, rule.get_state_display()

    @display(description=_("next cut-off (UTC)"))
    def next_cutoff(self, rule: Rule) -> str:
        return rule.cutoff(timezone.now()).strftime("%Y-%m-%d %H:%M") if rule.period else "–"

    @display(description=_("last run"))
    def last_run(self, rule: Any) -> str:
        if rule.last_key is None:
            return "–"
        state = Run.State(rule.last_state).label
        return format_html("{}: {} ({})", rule.last_key, _("{rows} rows").format(rows=f"{rule.last_rows:,}"), state)

    @display(description=_("over and due"))
    def over_now(self, rule: Rule) -> str:
        return _counted(predicate.releasable(rule, rule.cutoff(timezone.now()))) if rule.period else "–"

    @display(description=_("over and kept (hold or restriction)"))
    def kept_now(self, rule: Rule) -> str:
        return _counted(predicate.deferred(rule, rule.cutoff(timezone.now()))) if rule.period else "–"


def _counted(rows: QuerySet[Any]) -> str:
    count = rows.order_by().values("pk")[: COUNT_UP_TO + 1].count()
    return str(_("more than {limit}").format(limit=f"{COUNT_UP_TO:,}")) if count > COUNT_UP_TO else f"{count:,}"
