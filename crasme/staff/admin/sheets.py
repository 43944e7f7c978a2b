"""Import and export of people's rows in the admin: safe formats only, each export logged, uploads kept encrypted.

What could go wrong: an export nobody can account for, a formula in a cell, or an uploaded list of people that lies in
a temporary folder for ever because somebody closed the tab before confirming.
"""

from typing import Any, ClassVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from import_export.admin import ExportMixin, ImportExportMixin
from import_export.results import RowResult
from unfold.contrib.import_export.forms import ImportForm, SelectableFieldsExportForm

from crasme.kit.formats import SafeFormats
from crasme.staff.admin.personal import PersonalDataAdmin
from crasme.staff.models import AccessEntry
from crasme.staff.uploads import EncryptedUpload


class _LoggedExport(SafeFormats):
    export_form_class = SelectableFieldsExportForm

    def get_data_for_export(self, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        """The rows that leave, logged in the transaction that reads them."""
        with transaction.atomic():
            data = super().get_data_for_export(request, queryset, **kwargs)  # type: ignore[misc]
            self.log_access(request, AccessEntry.Action.EXPORT, rows=len(data))  # type: ignore[attr-defined]
        return data


class PersonalExportAdmin(_LoggedExport, ExportMixin, PersonalDataAdmin):
    """`export_<model>` is the permission; give `resource_classes` as import-export wants them."""


class PersonalImportExportAdmin(_LoggedExport, ImportExportMixin, PersonalDataAdmin):
    """`import_<model>` and `export_<model>` are the permissions. A file is taken whole or not at all."""

    import_form_class = ImportForm
    tmp_storage_class: ClassVar[type[EncryptedUpload]] = EncryptedUpload

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """A preview compares the file with the rows that exist, so it shows them: that is a look, too."""
        with transaction.atomic():
            response: HttpResponse = super().import_action(request, **kwargs)
            shown_to = getattr(response, "context_data", None) or {}
            result = shown_to.get("result")
            if result is not None and (shown := _existing(result)):
                self.log_access(request, AccessEntry.Action.LIST, rows=shown)
        if "confirm_form" not in shown_to:
            self._forget_upload(shown_to.get("form"))
        return response

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        given: dict[str, Any] = super().get_import_data_kwargs(**kwargs)
        return given | {"rollback_on_validation_errors": True}

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The confirmation. The file may be gone: confirmed before, or a day old."""
        try:
            response: HttpResponse = super().process_import(request, **kwargs)
        except (FileNotFoundError, ValueError):
            messages.error(request, _("This upload is no longer here: it was imported already, or it is a day old."))
            return redirect(self._import_page())
        return response

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """import-export would report success; but rows that changed since the preview may refuse the file now."""
        if result.has_errors() or result.has_validation_errors():
            messages.error(
                request, _("Nothing was imported: the data has changed since the preview. Upload the file again.")
            )
            return redirect(self._import_page())
        response: HttpResponse = super().process_result(result, request)
        # Whoever may import need not be one who may look.
        return response if self.has_view_permission(request) else redirect(self._import_page())

    def _import_page(self) -> str:
        return reverse("{}:{}_{}_import".format(self.admin_site.name, *self.get_model_info()))

    def _forget_upload(self, form: Any) -> None:
        """A file with errors is never confirmed; it does not have to wait for its day to end."""
        uploaded = form.files.get("import_file") if form else None
        if name := getattr(uploaded, "tmp_storage_name", None):
            self.tmp_storage_class(name=name).remove()


def _existing(result: Any) -> int:
    kinds = (RowResult.IMPORT_TYPE_UPDATE, RowResult.IMPORT_TYPE_DELETE, RowResult.IMPORT_TYPE_SKIP)
    return sum(result.totals[kind] for kind in kinds)
