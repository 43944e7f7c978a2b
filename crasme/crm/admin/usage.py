"""Usage events: ten million rows behind a list that answers at once.

What could go wrong: sorting or counting them all. The list is ordered by id (UUIDv7: by time, and indexed in every
month), an unfiltered count is the planner's, and a filtered one stops at ten thousand.
"""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from crasme.crm.admin.base import DayFilter, RecordAdmin
from crasme.crm.models import HeldUsageEvent, UsageEvent
from crasme.crm.sheets.cells import as_uuid
from crasme.staff.admin import EstimatePaginator

COUNTED = 10_000


class ShortCountPaginator(EstimatePaginator):
    """Counts a filtered list up to COUNTED rows: nobody turns two hundred pages."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        filtered = bool(getattr(rows, "query", None) and rows.query.where)
        counted: int = rows.order_by()[:COUNTED].count() if filtered else super().count
        return counted


class _EventAdmin(RecordAdmin):
    paginator = ShortCountPaginator
    list_display: tuple[str, ...] = ("occurred_at", "kind", "name", "duration_ms", "account_link")
    list_filter = (
        ("occurred_at", DayFilter),
        ("kind", ChoicesDropdownFilter),
        ("account", AutocompleteSelectFilter),
    )
    fields: ClassVar[tuple[str, ...]] = ("occurred_at", "kind", "name", "duration_ms", "detail", "account_link", "id")
    readonly_fields: ClassVar[tuple[str, ...]] = fields
    search_fields = ("id",)
    search_help_text = _("The id of an event or of an account.")
    sortable_by = ()
    ordering = ("-id",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """By ids only: looking for a part of a text would read every month."""
        if search_term and as_uuid(search_term.strip()) is None:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def find_by_id(self, queryset: QuerySet[Any], identifier: UUID) -> QuerySet[Any]:
        return queryset.filter(Q(pk=identifier) | Q(account=identifier))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The key in the database is (id, occurred_at); of several events with one id the latest is shown."""
        try:
            return self.get_queryset(request).filter(pk=UUID(object_id)).order_by("-occurred_at").first()
        except ValueError:
            return None


@admin.register(UsageEvent)
class UsageEventAdmin(_EventAdmin):
    pass


@admin.register(HeldUsageEvent)
class HeldUsageEventAdmin(_EventAdmin):
    list_display: tuple[str, ...] = (*_EventAdmin.list_display, "carried_at")
    fields: ClassVar[tuple[str, ...]] = (*_EventAdmin.fields, "carried_at")
    readonly_fields: ClassVar[tuple[str, ...]] = fields
