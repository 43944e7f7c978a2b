"""The rows that a field's search offers: called by what its admin says, not by `__str__`, which never shows a person.

What could go wrong: people shown by a search that the access log does not know (a page of choices with names is logged
as a search before it is sent), or what was typed in an address, which logs keep (it is asked for by POST alone:
staff/search.js).
"""

from typing import Any, ClassVar

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from crasme.staff.admin.personal import PersonalDataAdmin
from crasme.staff.models import AccessEntry
from crasme.staff.searches import typed


class ChoicesView(AutocompleteJsonView):
    """An admin with `choice_label(row)` names its rows by it, to whoever may see them; others by `str`."""

    http_method_names: ClassVar[list[str]] = ["post"]  # type: ignore[misc]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.GET = request.POST  # where Django's view looks
        return self.get(request, *args, **kwargs)

    def process_request(self, request: HttpRequest) -> Any:
        term, *where = super().process_request(request)
        return typed(term), *where

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            answer: HttpResponse = super().get(request, *args, **kwargs)
            if isinstance(self.model_admin, PersonalDataAdmin) and hasattr(self.model_admin, "choice_label"):
                self.model_admin.log_access(request, AccessEntry.Action.SEARCH, rows=self.shown)
        return answer

    def get_queryset(self) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset()
        related = self.model_admin.list_select_related
        return found.select_related(*related) if isinstance(related, (list, tuple)) and related else found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        self.shown = len(context["object_list"])
        return context

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        label = getattr(self.model_admin, "choice_label", str)
        return {"id": str(getattr(obj, to_field_name)), "text": label(obj)}
