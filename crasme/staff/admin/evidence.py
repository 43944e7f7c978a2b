"""The ledger and the access log: to be read and searched, never changed."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from crasme.kit import datamap
from crasme.ledger.models import Entry, Seal
from crasme.ledger.registry import known, verbs
from crasme.staff import actors
from crasme.staff.admin.base import ReadOnlyAdmin, StaffModelAdmin
from crasme.staff.admin.filters import RangeDateTimeFilter
from crasme.staff.admin.paging import EstimatePaginator
from crasme.staff.models import AccessEntry


class VerbFilter(DropdownFilter):
    title = _("verb")
    parameter_name = "verb"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(verb.name, verb.name) for verb in verbs()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        return queryset.filter(verb=self.value()) if self.value() else queryset


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin, StaffModelAdmin):
    paginator = EstimatePaginator
    list_display = ("recorded_at", "verb", "who", "short_subject", "short_facts")
    list_display_links = ("recorded_at",)
    list_filter = (VerbFilter, ("recorded_at", RangeDateTimeFilter))
    search_fields = ("=verb", "=subject", "=actor")
    search_help_text = _("An entry's id, a verb, an actor or a subject reference, each in full.")
    fields = ("recorded_at", "verb", "meaning", "who", "actor", "subject", "facts", "digest", "sealed", "id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Entry], search_term: str
    ) -> tuple[QuerySet[Entry], bool]:
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Actors get their names in one query for the page, not one a row."""
        shown = super().get_changelist_instance(request)
        words = actors.names(entry.actor for entry in shown.result_list)
        for entry in shown.result_list:
            entry.actor_words = words[entry.actor]
        return shown

    @display(description=_("who"), ordering="actor")
    def who(self, entry: Entry) -> str:
        words = getattr(entry, "actor_words", None)
        return words if words is not None else actors.names([entry.actor])[entry.actor]

    @display(description=_("meaning"))
    def meaning(self, entry: Entry) -> str:
        verb = known(entry.verb)
        return verb.meaning if verb else str(_("A verb of an earlier version."))

    @display(description=_("Seal"))
    def sealed(self, entry: Entry) -> str:
        seal = Seal.objects.filter(leaves__entry=entry.pk).first()
        return f"{seal.number} ({seal.sealed_at:%Y-%m-%d %H:%M} UTC)" if seal else "–"

    @display(description=_("subject reference"), ordering="subject")
    def short_subject(self, entry: Entry) -> str:
        kind, _separator, digest = entry.subject.partition(":")
        return f"{kind}:{digest[:8]}…" if digest else entry.subject

    @display(description=_("facts"))
    def short_facts(self, entry: Entry) -> str:
        text = ", ".join(f"{name}: {value}" for name, value in entry.facts.items())
        return text if len(text) <= 70 else f"{text[:69]}…"


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin, StaffModelAdmin):
    """Whether all is as it was sealed is computed by `manage.py ledger verify`, since that reads every entry."""

    paginator = EstimatePaginator
    list_display = ("number", "sealed_at", "entries", "digest")
    list_filter = (("sealed_at", RangeDateTimeFilter),)
    fields = ("number", "sealed_at", "entries", "root", "previous", "digest", "key", "signature")


class TableFilter(DropdownFilter):
    title = _("table")
    parameter_name = "table"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted((table.label.lower(), table.title) for table in datamap.tables())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AccessEntry]) -> QuerySet[AccessEntry]:
        return queryset.filter(table=self.value()) if self.value() else queryset


@admin.register(AccessEntry)
class AccessEntryAdmin(ReadOnlyAdmin, StaffModelAdmin):
    paginator = EstimatePaginator
    list_display = ("at", "user", "kind", "table", "rows", "subject_ref")
    list_display_links = ("at",)
    list_filter = (
        ("user", RelatedDropdownFilter),
        ("action", ChoicesDropdownFilter),
        TableFilter,
        ("at", RangeDateTimeFilter),
    )
    list_select_related: ClassVar = ["user"]
    search_fields = ("=subject_ref",)
    search_help_text = _("A subject reference, in full.")
    fields = ("at", "user", "action", "table", "rows", "subject_ref")

    @display(
        description=_("action"),
        ordering="action",
        label={
            AccessEntry.Action.VIEW.label: "info",
            AccessEntry.Action.LIST.label: "info",
            AccessEntry.Action.SEARCH.label: "info",
            AccessEntry.Action.EXPORT.label: "warning",
            AccessEntry.Action.DOWNLOAD.label: "warning",
        },
    )
    def kind(self, entry: AccessEntry) -> str:
        return entry.get_action_display()
