"""Admin pages over people's rows: every look is logged, in the same transaction, before the page is sent.

What could go wrong: a page shows people and the log does not know. So the entry is written around the view itself:
when the log cannot be written, the view fails and nothing is shown. Search texts are never logged: they are what
people are called.
"""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from crasme.staff import access
from crasme.staff.admin import panels
from crasme.staff.admin.base import StaffModelAdmin
from crasme.staff.models import AccessEntry


class PersonalDataAdmin(StaffModelAdmin):
    """Base of the admin page of every model that holds people."""

    change_form_outer_before_template: ClassVar[str | None] = panels.TEMPLATE

    def subject_ref_of(self, obj: Model) -> str:
        """The keyed hash of the person a row is about; override where the data map's own paths do not tell."""
        return access.subject_ref_of(obj)

    def log_access(
        self, request: HttpRequest, action: AccessEntry.Action, *, rows: int = 1, subject_ref: str = ""
    ) -> None:
        access.record(
            request.user,  # type: ignore[arg-type]  # the site lets nobody else in
            action,
            self.model._meta.label_lower,
            now=timezone.now(),
            rows=rows,
            subject_ref=subject_ref,
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().changelist_view(request, extra_context)
            if (shown := _context(response).get("cl")) is not None:
                rows = list(shown.result_list)
                self.log_access(
                    request,
                    AccessEntry.Action.SEARCH if shown.query else AccessEntry.Action.LIST,
                    rows=len(rows),
                    subject_ref=self.subject_ref_of(rows[0]) if len(rows) == 1 else "",
                )
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
            if (shown := _context(response).get("original")) is not None:
                self.log_access(request, AccessEntry.Action.VIEW, subject_ref=self.subject_ref_of(shown))
                _context(response)["panels"] = panels.of(request, shown)
        return response


def _context(response: HttpResponse) -> dict[str, Any]:
    """What a page that is about to be rendered will show; empty for redirects and other answers."""
    return getattr(response, "context_data", None) or {}
