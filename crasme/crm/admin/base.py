"""What the CRM's admin pages share.

What could go wrong: a list that asks the database once for every row, or counts ten million of them. So accounts are
shown by id (a link costs no query), and counts are estimated or stop early.
"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display
from unfold.utils import parse_date_str

from crasme.crm.models import Account
from crasme.crm.sheets.cells import as_uuid
from crasme.kit.calendar import start_of
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, ReadOnlyAdmin


class DayFilter(RangeDateFilter):
    """From one day to another, both included, of a point in time; days are those of UTC, as everywhere in storage."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self._day(f"{self.parameter_name}_{end}") for end in ("from", "to"))
        if first is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": start_of(first)})
        if last is not None and last < date.max:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": start_of(last + timedelta(days=1))})
        return queryset

    def _day(self, name: str) -> date | None:
        found: date | None = parse_date_str(self.used_parameters.get(name) or "")
        return found


class SearchById:
    """A search for a UUID finds that row at once; any other text is looked for as usual."""

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        if (identifier := as_uuid(search_term.strip())) is not None:
            return self.find_by_id(queryset, identifier), False
        return super().get_search_results(request, queryset, search_term)  # type: ignore[misc]

    def find_by_id(self, queryset: QuerySet[Any], identifier: UUID) -> QuerySet[Any]:
        return queryset.filter(pk=identifier)


class RecordAdmin(SearchById, ReadOnlyAdmin, PersonalDataAdmin):
    """Rows that belong to an account and that staff only look at."""

    paginator = EstimatePaginator

    @display(description=_("account"), ordering="account")
    def account_link(self, obj: Any) -> str:
        return link_to_account(obj.account_id)


class RecordInline(TabularInline):
    """An account's rows on its own page: a tab, read-only, twenty at a time."""

    extra = 0
    per_page: int | None = 20
    tab = True
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def named(account: Account) -> str:
    """Whom an account is of, for pages and choices of whoever may see accounts."""
    if account.status == Account.Status.ERASED:
        return str(account)
    words = (account.full_name, account.email, account.organisation.name if account.organisation else "")
    return f"{', '.join(word for word in words if word)} ({account.pk.hex[-8:]})"


def link_to_account(account: UUID | None) -> str:
    if account is None:
        return "–"
    return format_html('<a href="{}">{}</a>', reverse("admin:crm_account_change", args=[account]), account.hex[-8:])
