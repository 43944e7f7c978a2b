"""Absences: everybody sees who is away, enters their own, and, with the right to it, those of others."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import ForeignKey
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crasme.kit.clock import controller_day
from crasme.staff.admin.base import StaffModelAdmin
from crasme.staff.models import Absence, User


@admin.register(Absence)
class AbsenceAdmin(StaffModelAdmin):
    list_display = ("person", "standing", "first_day", "last_day", "substitute", "gives_back")
    list_select_related: ClassVar[Any] = ("user", "substitute")
    search_fields = ("user__first_name", "user__last_name")
    ordering = ("-first_day", "id")
    fields = (("user", "substitute"), ("first_day", "last_day"), "gives_back")

    @display(description=_("who is away"), ordering="user__first_name")
    def person(self, absence: Absence) -> str:
        return absence.user.get_full_name() or str(absence.user)

    @display(description=_("state"), label={"now": "warning", "ahead": "info", "over": ""})
    def standing(self, absence: Absence) -> tuple[str, Any]:
        today = controller_day(timezone.now())
        if absence.first_day > today:
            return "ahead", _("ahead")
        return ("now", _("away now")) if absence.last_day >= today else ("over", _("over"))

    # --- whose ---------------------------------------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may(request, obj)

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        users = User.objects.filter(is_active=True, is_staff=True).order_by("first_name", "last_name", "pk")
        if db_field.name == "user" and not _manages(request):
            users = users.filter(pk=str(request.user.pk))
            kwargs["initial"] = request.user.pk
        return super().formfield_for_foreignkey(db_field, request, queryset=users, **kwargs)


def _manages(request: HttpRequest) -> bool:
    return request.user.has_perm("staff.manage_absence")


def _may(request: HttpRequest, absence: Any) -> bool:
    # The theme asks with the bare id for the buttons on a page.
    if absence is None or _manages(request):
        return True
    found = absence if isinstance(absence, Absence) else Absence.objects.filter(pk=absence).first()
    return found is not None and found.user_id == request.user.pk
