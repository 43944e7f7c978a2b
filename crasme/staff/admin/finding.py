"""What the search box finds beside the pages of the menu: the rows of those admins that say how theirs are found.

What could go wrong: an address in a URL, which whoever keeps a proxy's log reads as well (only a POST finds rows, and
the box of every page asks by one), a row shown to whoever may not open its list, or a look at people that the access
log does not know (it is written before the answer is sent, as for a list). Or half a name kept at each pause of whoever
types it: the box keeps nothing, and a button posts the words to the list that has more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from django.contrib.admin import AdminSite
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from crasme.staff.admin.personal import PersonalDataAdmin
from crasme.staff.models import AccessEntry

MOST: Final = 5  # of one table; its own list shows all


@dataclass
class AllOfThem(SearchResult):
    """More than the box shows: `words` are posted to the list at `link`."""

    words: str = ""


@runtime_checkable
class Findable(Protocol):
    """An admin whose rows the box finds. `in_box` gives those that fit, None where the words cannot mean any;
    `words_in_box` calls a row by no more than its list does, and `box_finds` says what is found, and by which words."""

    box_finds: tuple[str | Promise, str | Promise]

    def in_box(self, request: HttpRequest, term: str) -> QuerySet[Any] | None: ...

    def words_in_box(self, row: Any) -> str: ...


def found(site: AdminSite, request: HttpRequest, term: str) -> list[SearchResult]:
    """For whoever may see the list of a table, its rows that `term` means."""
    results: list[SearchResult] = []
    with transaction.atomic():
        for model, page in _findable(site, request):
            if (rows := page.in_box(request, term)) is not None:
                few = list(rows[: MOST + 1])
                results += _listed(page, request, model, few[:MOST])
                if len(few) > MOST:
                    results.append(_all_of_them(page, term))
    return results


def finds(site: AdminSite, request: HttpRequest) -> list[tuple[str, str]]:
    """What the box finds for whoever asks, in a word and by which words."""
    pages = (_("pages"), _("pages by a part of their title"))
    return [*((str(what), str(how)) for what, how in (page.box_finds for _m, page in _findable(site, request))), pages]


def _findable(site: AdminSite, request: HttpRequest) -> Iterator[tuple[type[Model], Any]]:
    for model, page in site._registry.items():
        if isinstance(page, Findable) and page.has_view_or_change_permission(request):
            yield model, page


def _all_of_them(page: Any, term: str) -> AllOfThem:
    """Posts these words to the list, as its own box does."""
    address = reverse(f"admin:{page.opts.app_label}_{page.model._meta.model_name}_changelist")
    more = _("More than %(count)d fit: show all") % {"count": MOST}
    words = capfirst(str(page.opts.verbose_name_plural))
    return AllOfThem(title=more, description=words, link=address, icon="list", words=term)


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
