"""The suppression list: staff ask about one address, or add one. Nothing is shown in clear, and nobody is taken off."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from consent import suppression, topics
from consent.admin.lists import ListAdmin
from consent.models import Channel, Suppression
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin
from crasme.staff.admin.filters import RangeDateTimeFilter

Reason = Suppression.Reason
STAFF_REASONS = [(reason, reason.label) for reason in (Reason.OBJECTED, Reason.UNSUBSCRIBED, Reason.COMPLAINED)]


class SuppressForm(forms.ModelForm):
    email = forms.EmailField(
        label=_("e-mail address"),
        widget=UnfoldAdminEmailInputWidget,
        help_text=_("Only its keyed hash is stored; the address itself cannot be read here again."),
    )
    scope = forms.ChoiceField(label=_("which mail"), choices=topics.choices, widget=UnfoldAdminSelectWidget)
    channel = forms.ChoiceField(
        label=_("by which channel"),
        choices=[("", _("every channel")), *Channel.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.ChoiceField(label=_("reason"), choices=STAFF_REASONS, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Suppression
        fields = ("scope", "channel", "reason")


class TopicFilter(DropdownFilter):
    title = _("scope")
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return topics.choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> QuerySet[Suppression]:
        return queryset.filter(scope=self.value()) if self.value() else queryset


@admin.register(Suppression)
class SuppressionAdmin(ListAdmin, PersonalDataAdmin):
    paginator = EstimatePaginator
    list_display = ("created_at", "which", "by", "why", "source", "short_id")
    list_display_links = ("created_at",)
    list_filter = (
        TopicFilter,
        ("channel", ChoicesDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("created_at", RangeDateTimeFilter),
    )
    search_fields = ("address",)
    search_help_text = _("One whole e-mail address: is it on the list?")
    fields = ("which", "by", "why", "source", "created_at", "key_version", "id")
    readonly_fields = fields
    add_fieldsets: ClassVar = ((None, {"fields": ("email", "scope", "channel", "reason")}),)

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else SuppressForm

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def subject_ref_of(self, obj: Model) -> str:
        return ""  # the row does not know whose address its hash is

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        if not search_term:
            return queryset, False
        return (queryset.filter(address=search_term) if "@" in search_term else queryset.none()), False

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        row, created = suppression.suppress(
            form.cleaned_data["email"],
            scope=form.cleaned_data["scope"],
            channel=form.cleaned_data["channel"],
            reason=form.cleaned_data["reason"],
            source=Suppression.Source.STAFF,
            actor=request.user.ref,  # type: ignore[union-attr]
            now=timezone.now(),
        )
        obj.__dict__.update(row.__dict__)
        request.was_new = created  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Suppression, post_url_continue: Any = None) -> HttpResponse:
        if request.was_new:  # type: ignore[attr-defined]
            self.message_user(request, _("The address is on the list."), messages.SUCCESS)
        else:
            self.message_user(request, _("The address was on the list before; nothing changed."), messages.INFO)
        return redirect("admin:consent_suppression_changelist")

    @display(description=_("mail not wanted"), ordering="scope")
    def which(self, row: Suppression) -> str:
        return topics.title(row.scope)

    @display(description=_("channel"), ordering="channel")
    def by(self, row: Suppression) -> Any:
        return row.get_channel_display() or _("every channel")

    @display(description=_("reason"), ordering="reason")
    def why(self, row: Suppression) -> str:
        return row.get_reason_display()

    @display(description=_("number"))
    def short_id(self, row: Suppression) -> str:
        return row.pk.hex[-8:]
