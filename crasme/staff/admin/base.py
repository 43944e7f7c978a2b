"""The admin's plain bases: fast lists whose addresses hold no words of a search, no bulk deletion, and a mixin for what
staff may only look at.
"""

from copy import copy
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

from crasme.staff.admin.checks import StaffModelAdminChecks
from crasme.staff.admin.picking import PickedRows
from crasme.staff.admin.searching import SearchedList, taken_out


class StaffModelAdmin(PickedRows, ModelAdmin):
    """Base of every admin page here. Counting a whole table only to show "of 5,000,000" costs more than it tells."""

    checks_class = StaffModelAdminChecks

    list_per_page: ClassVar[int] = 50
    list_max_show_all: ClassVar[int] = 200
    show_full_result_count: ClassVar[bool] = False
    warn_unsaved_form: ClassVar[bool] = True
    list_filter_submit: ClassVar[bool] = True
    list_fullwidth: ClassVar[bool] = True
    # What it means that nothing is listed, and what to do then; see templates/unfold/helpers/empty_results.html.
    empty_words: ClassVar[str | Promise] = ""
    # The right ("app.codename") for "add", "change" or "delete", where it is another one than the model's own; and how
    # such rows come about, for whoever lacks it. See crasme.staff.forbidden.
    own_rights: ClassVar[dict[str, str]] = {}
    comes_about: ClassVar[str | Promise] = ""
    # What one and many are called here, of a model that is somebody else's and has another name there.
    called: ClassVar[tuple[Any, Any] | None] = None

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.called is not None:
            self.opts = copy(model._meta)
            self.opts.verbose_name, self.opts.verbose_name_plural = self.called

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return SearchedList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.search_fields and (elsewhere := taken_out(request)) is not None:
            return elsewhere
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A list is headed by what is in it, as the menu names it."""
        shown = super().get_changelist_instance(request)
        shown.opts, shown.title = self.opts, capfirst(self.opts.verbose_name_plural)
        return shown


class ReadOnlyAdmin(admin.ModelAdmin):
    """Put it before the base: `class RunAdmin(ReadOnlyAdmin, StaffModelAdmin)`. Whoever has the view permission looks;
    nobody adds, changes or deletes here, superusers included. Actions with their own permission still work."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
