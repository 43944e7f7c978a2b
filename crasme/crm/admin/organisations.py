"""Organisations: the one thing of the CRM that staff may add, so that an import finds it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crasme.crm.admin.base import SearchById
from crasme.crm.models import Organisation
from crasme.staff.admin import EstimatePaginator, StaffModelAdmin


@admin.register(Organisation)
class OrganisationAdmin(SearchById, StaffModelAdmin):
    paginator = EstimatePaginator
    list_display = ("name", "country", "created_at")
    search_fields: ClassVar = ("name__istartswith",)
    search_help_text = _("The beginning of the name, or the id.")
    fields = ("name", "country", "business_address", "created_at", "id")
    readonly_fields = ("created_at", "id")

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: Any) -> None:
        if not change:
            obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
