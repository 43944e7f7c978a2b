"""Cookies that were seen out of place: declared from here, called resolved once the cause is mended, or ignored."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from consent import sightings
from consent.models import CookieSighting
from crasme.staff.admin import StaffModelAdmin

Reason, State = CookieSighting.Reason, CookieSighting.State


@admin.register(CookieSighting)
class CookieSightingAdmin(StaffModelAdmin):
    list_display = ("name", "why", "route", "stands", "dropped", "count", "first_seen_at", "last_seen_at", "declare")
    list_filter = (("state", ChoicesDropdownFilter), ("reason", ChoicesDropdownFilter), "dropped")
    search_fields = ("name", "route")
    fields = ("name", "reason", "route", "state", "dropped", "count", "first_seen_at", "last_seen_at", "declare")
    actions = ("resolve", "ignore", "reopen")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @action(description=_("Mark as resolved"), permissions=["delete"])
    def resolve(self, request: HttpRequest, rows: QuerySet[CookieSighting]) -> None:
        self._settle(request, rows, State.RESOLVED)

    @action(description=_("Ignore"), permissions=["delete"])
    def ignore(self, request: HttpRequest, rows: QuerySet[CookieSighting]) -> None:
        self._settle(request, rows, State.IGNORED)

    @action(description=_("Open again"), permissions=["delete"])
    def reopen(self, request: HttpRequest, rows: QuerySet[CookieSighting]) -> None:
        self._settle(request, rows, State.OPEN)

    def _settle(self, request: HttpRequest, rows: QuerySet[CookieSighting], state: CookieSighting.State) -> None:
        for row in rows:
            sightings.settle(row, state, actor=request.user.ref)  # type: ignore[union-attr]

    @display(
        description=_("state"),
        ordering="state",
        label={State.OPEN: "warning", State.RESOLVED: "success", State.IGNORED: "info"},
    )
    def stands(self, sighting: CookieSighting) -> tuple[str, str]:
        return sighting.state, sighting.get_state_display()

    @display(
        description=_("reason"),
        ordering="reason",
        label={Reason.UNDECLARED: "danger", Reason.UNCONSENTED: "warning", Reason.SURVIVED: "danger"},
    )
    def why(self, sighting: CookieSighting) -> tuple[str, str]:
        return sighting.reason, sighting.get_reason_display()

    @display(description=_("next step"))
    def declare(self, sighting: CookieSighting) -> Any:
        if sighting.reason == Reason.SURVIVED:
            return _("Find out who sets it again, or where: this site's script could not remove it.")
        if sighting.reason != Reason.UNDECLARED:
            return _("Set it only after consent.")
        address = f"{reverse('admin:consent_cookie_add')}?{urlencode({'name': sighting.name})}"
        return format_html('<a href="{}">{}</a>', address, _("Declare it, or stop setting it"))
