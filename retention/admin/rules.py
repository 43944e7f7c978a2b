"""The schedule: what ends when and why, the next cut-off, what the last run did; and drafts of what shall change.

What could go wrong: a period changed by hand while a run is at work. Only drafts can be edited or discarded here; what
is in force changes with a published policy.
"""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.widgets import UnfoldAdminDateWidget

from crasme.kit import calendar
from crasme.staff import actors
from crasme.staff.admin import StaffModelAdmin
from retention import counting, drafts, fields, ruletext
from retention.admin.rulecolumns import WORDS, RuleColumns, in_words
from retention.anonymity import checker
from retention.anonymity.decision import Decision
from retention.errors import RuleBroken
from retention.models import Rule, Run

MEASURE_FOR = 10  # seconds, for the check of anonymity; one statement that is under way may take as long again


class RuleForm(forms.ModelForm):
    """Whatever the service would refuse is said at its field. `drafter` owns a decision that names nobody."""

    drafter = ""

    class Meta:
        model = Rule
        fields = drafts.SUBSTANCE
        help_texts: ClassVar = {
            "target": _("The table whose rows end, such as crm.invoice for invoices."),
            "anchor": _("The date from which the period counts, such as issued_on for the day an invoice was issued."),
            "period": _("P24M is 24 months, P7Y seven years, P90D 90 days."),
            "fields": _(
                "Only to empty or coarsen fields, not to end rows: their names with commas, such as billed_email."
            ),
            "anonymity": _("What somebody could know of a person, how alike rows must become, and who answers for it."),
            "carry_to": _("Only for data that goes by whole months: the table that takes what a hold keeps."),
            "unreferenced_by": _("A row stays while one of these points at it, such as crm.dispute.invoice."),
            "batch_size": _("The most rows that end in one go; fewer are taken when others are at work."),
            "max_rows": _("A run that would end more rows waits for two people. Empty: no limit."),
            "max_share": _("From 0 to 1: a run that would end a larger part of the table waits for two people."),
        }

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            if isinstance(self.instance.anonymity, dict):
                self.instance.anonymity.setdefault("owner", self.drafter)
            try:
                fields.clean(self.instance)
            except ValidationError as error:
                self.add_error(None, error)


class AtForm(forms.Form):
    at = forms.DateField(label=_("On the day (UTC)"), widget=UnfoldAdminDateWidget)


@admin.register(Rule)
class RuleAdmin(RuleColumns, StaffModelAdmin):
    class Media:
        css: ClassVar = {"all": ["retention/rule.css"]}

    own_rights: ClassVar = dict.fromkeys(("add", "change", "delete"), "retention.draft_rule")
    comes_about = _(
        "A rule comes about in two steps: somebody who may draft rules writes a draft, and it takes effect with a"
        " policy that one person proposes with it and another one approves. What is in force changes in the same way."
    )
    list_display = (
        "name",
        "condition",
        "target_words",
        "ends_after",
        "action",
        "policy_section",
        "next_cutoff",
        "last_run",
    )
    list_filter: ClassVar = [("state", ChoicesDropdownFilter), ("action", ChoicesDropdownFilter)]
    search_fields: ClassVar = ["slug", "target"]
    ordering = ("slug", "-effective_from")
    fieldsets = (
        (None, {"fields": (("slug", "state", "in_force"), ("target", "anchor", "period"), "action")}),
        (_("Why"), {"fields": ("legal_reason", "policy_section")}),
        (_("Fields"), {"fields": ("fields", "anonymity")}),
        (_("Limits"), {"fields": (("batch_size", "max_rows", "max_share"), ("unreferenced_by", "carry_to"))}),
        (_("Now"), {"fields": ("next_cutoff", ("over_in_all", "over_now", "kept_now"))}),
        (_("At the last measurement"), {"fields": (("measured", "overdue"), ("flow", "kept_because"))}),
        (_("Publication"), {"fields": (("drafter", "published_in"),)}),
    )
    readonly_fields = (
        "state", "in_force", *WORDS.values(), "next_cutoff", "over_in_all", "over_now", "kept_now", "drafter",
        "published_in", "measured", "overdue", "flow", "kept_because",
    )  # fmt: skip
    actions_detail = ("succeed", "what_changes", "anonymity_report")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        runs = Run.objects.filter(rule=OuterRef("pk")).order_by("-started_at", "-id")
        rules: QuerySet[Rule] = super().get_queryset(request)
        return rules.annotate(
            last_key=Subquery(runs.values("period_key")[:1]),
            last_rows=Subquery(runs.values("rows_total")[:1]),
            last_state=Subquery(runs.values("state")[:1]),
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": drafts.SUBSTANCE}),)
        if obj.state == Rule.State.DRAFT and self.has_change_permission(request, obj):
            return self.fieldsets
        return [
            (title, {"fields": in_words(options["fields"])})
            for title, options in self.fieldsets
            if obj.changes_fields or "anonymity" not in options["fields"]
        ]

    # --- who may do what ---------------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("retention.draft_rule")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_add_permission(request) and _is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_add_permission(request) and _is_draft(obj)

    def has_succeed_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_add_permission(request)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        rule = self.get_object(request, unquote(str(object_id)))
        if not isinstance(rule, Rule):
            return []
        offered: dict[str, str] = {Rule.State.ACTIVE: "succeed", Rule.State.DRAFT: "what_changes"}
        names = [offered.get(rule.state), "anonymity_report" if rule.action == Rule.Action.ANONYMISE else None]
        found = super().get_actions_detail(request, object_id)
        return [each for each in found if any(name and each.action_name.endswith(name) for name in names)]

    # --- drafts ------------------------------------------------------------------------------------------------------
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        title = _("Draft a change of a rule") if "of" in request.GET else _("Draft a rule")
        shown: HttpResponse = super().add_view(request, form_url, {"title": title, **(extra_context or {})})
        return shown

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: Any) -> None:
        drafts.save(obj, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs | {"form": RuleForm})
        form.drafter = request.user.ref  # type: ignore[union-attr]
        return form

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        drafts.discard(obj, actor=request.user.ref)  # type: ignore[union-attr]

    @action(description=_("Draft a change"), permissions=["succeed"], icon="edit_note")
    def succeed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A link must change nothing, so it leads to the add page with the rule's own words filled in, or to the draft
        that is there already."""
        rule = self._found(request, object_id)
        draft = Rule.objects.filter(slug=rule.slug, state=Rule.State.DRAFT).first()
        if draft is not None:
            messages.info(request, _("There is a draft of this rule already; change that one."))
            return redirect("admin:retention_rule_change", draft.pk)
        return redirect(f"{reverse('admin:retention_rule_add')}?{urlencode({'of': str(rule.pk)})}")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        try:
            rule = Rule.objects.filter(pk=initial.pop("of", None)).first()
        except ValidationError:
            rule = None
        return initial | (drafts.substance(rule) if rule is not None else {})

    @action(description=_("What it would change"), permissions=["view"], icon="difference")
    def what_changes(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The draft against the rule in force, with what would be due under each on a day. Reads only."""
        rule = self._found(request, object_id)
        form = AtForm(request.GET if "at" in request.GET else {"at": timezone.now().date()})
        now = timezone.now()
        at = calendar.start_of(form.cleaned_data["at"]) if form.is_valid() else now
        try:
            preview = drafts.preview(rule, max(at, now))
        except RuleBroken as error:
            messages.error(request, str(error))
            return redirect("admin:retention_rule_change", rule.pk)
        context = self.admin_site.each_context(request) | {
            "title": _("What it would change"),
            "form": form,
            "opts": self.opts,
            "original": rule,
            "rule": rule,
            "changes": ruletext.changed(rule, drafts.changes(rule)),
            "preview": preview,
        }
        return TemplateResponse(request, "admin/retention/what_changes.html", context)

    @action(description=_("Anonymity"), permissions=["view"], icon="visibility_off")
    def anonymity_report(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the rule leaves of its rows, measured now by the three questions. Reads only."""
        rule, now = self._found(request, object_id), timezone.now()
        if rule.action != Rule.Action.ANONYMISE:
            raise Http404
        try:
            fields.require(rule)
        except RuleBroken as error:
            messages.error(request, str(error))
            return redirect("admin:retention_rule_change", rule.pk)
        decision = Decision.of(rule)
        report = counting.in_time(lambda: checker.check(rule, rule.cutoff(now), now), seconds=MEASURE_FOR)
        if report is None:
            command = f"manage.py retention anonymity {rule.target}"
            messages.warning(
                request, _("Too many rows to measure while you wait: `%(command)s`.") % {"command": command}
            )
            return redirect("admin:retention_rule_change", rule.pk)
        context = self.admin_site.each_context(request) | {
            "title": _("Anonymity"),
            "opts": self.opts,
            "original": rule,
            "rule": rule,
            "decision": decision,
            "owner": actors.names([decision.owner])[decision.owner],
            "report": report,
        }
        return TemplateResponse(request, "admin/retention/anonymity.html", context)

    def _found(self, request: HttpRequest, object_id: str) -> Rule:
        rule = self.get_object(request, unquote(object_id))
        if not isinstance(rule, Rule):
            raise Http404
        return rule


def _is_draft(obj: Any) -> bool:
    # The theme asks with the bare id for the buttons on a page; without any for a list, from which nothing is deleted.
    if obj is None:
        return False
    rule = obj if isinstance(obj, Rule) else Rule.objects.filter(pk=obj).first()
    return rule is not None and rule.state == Rule.State.DRAFT
