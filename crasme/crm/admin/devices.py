"""Devices, and that a password exists. The hash itself is shown to nobody."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from crasme.crm.admin.base import RecordAdmin
from crasme.crm.models import Credential, Device


@admin.register(Device)
class DeviceAdmin(RecordAdmin):
    list_display = ("kind", "operating_system", "browser", "approximate_location", "account_link", "last_seen_at")
    list_filter = (("kind", ChoicesDropdownFilter),)
    search_fields = ("ip_address__exact",)
    search_help_text = _("A whole IP address, or the id.")
    ordering = ("-id",)


@admin.register(Credential)
class CredentialAdmin(RecordAdmin):
    list_display = ("id", "account_link", "changed_at")
    fields = ("account_link", "changed_at", "id")
    readonly_fields = fields
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("password_hash")
