"""Cookies that the guard met: declared from here, or cleared once the cause is mended."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from consent.models import CookieSighting
from crasme.staff.admin import StaffModelAdmin

Reason = CookieSighting.Reason


@admin.register(CookieSighting)
class CookieSightingAdmin(StaffModelAdmin):
    list_display = ("name", "why", "route", "dropped", "count", "first_seen_at", "last_seen_at", "declare")
    list_filter = (("reason", ChoicesDropdownFilter), "dropped")
    search_fields = ("name", "route")
    fields = ("name", "reason", "route", "dropped", "count", "first_seen_at", "last_seen_at", "declare")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(
        description=_("reason"), ordering="reason", label={Reason.UNDECLARED: "danger", Reason.UNCONSENTED: "warning"}
    )
    def why(self, sighting: CookieSighting) -> tuple[str, str]:
        return sighting.reason, sighting.get_reason_display()

    @display(description=_("next step"))
    def declare(self, sighting: CookieSighting) -> Any:
        if sighting.reason != Reason.UNDECLARED:
            return _("Set it only after consent.")
        address = f"{reverse('admin:consent_cookie_add')}?{urlencode({'name': sighting.name})}"
        return format_html('<a href="{}">{}</a>', address, _("Declare it, or stop setting it"))
