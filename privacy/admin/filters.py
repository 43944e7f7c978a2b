"""Filters of the desk's list."""

from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from crasme.kit.clock import controller_day
from crasme.staff.admin.searching import SOUGHT_VAR
from privacy.querysets import InboundMailQuerySet, MessageQuerySet, RequestQuerySet
from privacy.services import forecast
from privacy.states import State


class ClockFilter(DropdownFilter):
    """What is open, unless asked otherwise: that is what the desk is for."""

    title = _("clock")
    parameter_name = "clock"
    all_option: ClassVar = ["", _("Open")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", _("Overdue")),
            ("soon", _("Due in 7 days")),
            ("risk", _("At risk")),
            ("miss", _("Will miss")),
            ("closed", _("Closed")),
            ("all", _("Open and closed")),
        ]

    def queryset(self, request: HttpRequest, queryset: RequestQuerySet) -> RequestQuerySet:
        today = controller_day(timezone.now())
        match self.value():
            case "overdue":
                return queryset.overdue(today)
            case "soon":
                return queryset.due_soon(today)
            case "risk":
                return queryset.at_risk(today)
            case "miss":
                return queryset.filter(pk__in=forecast.missing(timezone.now()))
            case "closed":
                return queryset.filter(state=State.CLOSED)
            case "all":
                return queryset
            case _:
                # Somebody who searches, or asks for a state, means it.
                return queryset if _asks(request) else queryset.open()


def _asks(request: HttpRequest) -> bool:
    return any(request.GET.get(name) for name in (SOUGHT_VAR, "state__exact", MailFilter.parameter_name))


class MailFilter(DropdownFilter):
    """Answers that nobody has read, mail that reached nobody; of closed requests too, because nobody looks there."""

    title = _("mail")
    parameter_name = "mail"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("unread", _("Unread answers")), ("undelivered", _("Not delivered"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        mails = isinstance(queryset, MessageQuerySet)
        match self.value():
            case "undelivered":
                return queryset.undelivered() if mails else queryset.with_undelivered_mail()
            case "unread":
                return queryset.unread() if mails else queryset.with_unread_mail()
            case _:
                return queryset


class SortedFilter(DropdownFilter):
    """Mail that waits for a person, unless asked otherwise."""

    title = _("status")
    parameter_name = "sorted"
    all_option: ClassVar = ["", _("To be sorted")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("filed", _("Filed")), ("ignored", _("Set aside")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: InboundMailQuerySet) -> InboundMailQuerySet:
        match self.value():
            case "filed" | "ignored":
                return queryset.filter(status=self.value())
            case "all":
                return queryset
            case _:
                return queryset if request.GET.get(SOUGHT_VAR) else queryset.waiting()


class WhoFilter(DropdownFilter):
    title = _("assignee")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("Mine")), ("nobody", _("Nobody's"))]

    def queryset(self, request: HttpRequest, queryset: RequestQuerySet) -> RequestQuerySet:
        if self.value() == "me":
            return queryset.filter(assignee=request.user.pk)
        if self.value() == "nobody":
            return queryset.filter(assignee=None)
        return queryset
