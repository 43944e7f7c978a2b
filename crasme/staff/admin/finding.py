"""What the search box finds beside the pages of the menu: the rows of those admins that say how theirs are found.

What could go wrong: an address in a URL, which whoever keeps a proxy's log reads as well (only a POST finds rows, and
the box of every page asks by one: staff/search.js), a row shown to whoever may not open its list, or a look at people
that the access log does not know (it is written before the answer is sent, as for a list).
"""

from typing import Any, Final, Protocol, runtime_checkable

from django.contrib.admin import AdminSite
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from crasme.staff.admin.personal import PersonalDataAdmin
from crasme.staff.models import AccessEntry

MOST: Final = 5  # of one table; its own list finds all


@runtime_checkable
class Findable(Protocol):
    """An admin whose rows the box finds. `in_box` gives those that fit, None where the words cannot mean any;
    `words_in_box` calls a row by no more than its list does."""

    def in_box(self, request: HttpRequest, term: str) -> QuerySet[Any] | None: ...

    def words_in_box(self, row: Any) -> str: ...


def found(site: AdminSite, request: HttpRequest, term: str) -> list[SearchResult]:
    """For whoever may see the list of a table, its rows that `term` means."""
    results: list[SearchResult] = []
    with transaction.atomic():
        for model, page in site._registry.items():
            if not isinstance(page, Findable) or not page.has_view_or_change_permission(request):
                continue
            if (rows := page.in_box(request, term)) is not None:
                results += _listed(page, request, model, list(rows[:MOST]))
    return results


def _listed(page: Any, request: HttpRequest, model: type[Model], rows: list[Any]) -> list[SearchResult]:
    if isinstance(page, PersonalDataAdmin):
        ref = page.subject_ref_of(rows[0]) if len(rows) == 1 else ""
        page.log_access(request, AccessEntry.Action.SEARCH, rows=len(rows), subject_ref=ref)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return [
        SearchResult(
            title=page.words_in_box(row),
            description=str(page.opts.verbose_name),
            link=reverse(name, args=[row.pk]),
            icon="search",
        )
        for row in rows
    ]
