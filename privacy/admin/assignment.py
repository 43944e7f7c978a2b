"""The rules by which confirmed requests get their assignee."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from crasme.staff.admin import StaffModelAdmin
from crasme.staff.models import User
from privacy.clock.regimes import Regime
from privacy.models import AssignmentRule, Request


def _any_of(label: Any, choices: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None chosen: it does not matter."),
    )


class RuleForm(forms.ModelForm):
    kinds = _any_of(_("Kinds"), Request.Kind.choices)
    languages = _any_of(_("Languages"), settings.LANGUAGES)
    regimes = _any_of(_("Laws"), Regime.choices)

    class Meta:
        model = AssignmentRule
        fields: ClassVar = ("name", "position", "active", "kinds", "languages", "regimes", "role", "colleagues")
        widgets: ClassVar = {"colleagues": UnfoldAdminCheckboxSelectMultipleWidget}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("role") and not cleaned.get("colleagues"):
            self.add_error("role", _("Choose a role, or name colleagues: somebody has to get them."))
        return cleaned


@admin.register(AssignmentRule)
class AssignmentRuleAdmin(StaffModelAdmin):
    empty_words = _("Without a rule, requests wait until somebody takes them.")
    form = RuleForm
    list_display = ("position", "name", "about", "to", "active")
    list_display_links = ("name",)
    search_fields = ("name",)
    ordering = ("position", "id")
    fieldsets = (
        (None, {"fields": (("name", "position"), "active")}),
        (_("Which requests"), {"fields": ("kinds", "languages", "regimes")}),
        (_("To whom"), {"fields": ("role", "colleagues"), "description": _("Whoever has least to do gets it.")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("colleagues")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        working = User.objects.filter(is_active=True, is_staff=True).order_by("first_name", "last_name", "pk")
        return super().formfield_for_manytomany(db_field, request, queryset=working, **kwargs)

    @display(description=_("requests"))
    def about(self, rule: AssignmentRule) -> str:
        known = dict(Request.Kind.choices) | dict(settings.LANGUAGES) | dict(Regime.choices)
        chosen = [*rule.kinds, *rule.languages, *rule.regimes]
        return ", ".join(str(known.get(code, code)) for code in chosen) or "–"

    @display(description=_("to"))
    def to(self, rule: AssignmentRule) -> str:
        named = [str(user) for user in rule.colleagues.all()]
        return ", ".join(named) if named else rule.get_role_display()
