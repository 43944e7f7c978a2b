"""The registers that the policy is rendered from. A change here is on the public page at once; publish it, too."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Field, URLField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _
from unfold.decorators import display

from crasme.staff.admin import StaffModelAdmin
from privacy.models import Controller, Recipient, Right
from privacy.models.registers import THE_ONE


class RegisterAdmin(StaffModelAdmin):
    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Controller)
class ControllerAdmin(RegisterAdmin):
    """One row, so its list is its page."""

    fieldsets = (
        (None, {"fields": (("company", "product"), ("contact_email", "website"), "postal_address")}),
        (_("What is promised"), {"fields": (("minimum_age", "first_answer_working_days"),)}),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        return redirect(reverse("admin:privacy_controller_change", args=[THE_ONE]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Recipient)
class RecipientAdmin(RegisterAdmin):
    list_display = ("name", "kind", "country", "contract", "active")
    list_filter = ("kind", "active")
    search_fields = ("name", "slug")
    fieldsets = (
        (None, {"fields": (("name", "slug"), ("kind", "active"), "purpose")}),
        (_("Contract"), {"fields": (("contract_on", "country"), "safeguards", ("contact_email", "policy_url"))}),
        (_("Other languages"), {"fields": ("translations",), "classes": ("collapse",)}),
    )
    prepopulated_fields: ClassVar = {"slug": ("name",)}

    @display(description=_("contract"), ordering="contract_on", label={"missing": "warning"})
    def contract(self, recipient: Recipient) -> tuple[str, str]:
        if recipient.contract_on is None:
            return "missing", gettext("not on record")
        return "there", recipient.contract_on.isoformat()


@admin.register(Right)
class RightAdmin(RegisterAdmin):
    list_display = ("title", "kind", "promise", "open", "position")
    ordering = ("position",)
    fields = (("title", "kind"), "explanation", ("promise", "position", "open"), "translations")
    readonly_fields = ("kind", "promise")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
