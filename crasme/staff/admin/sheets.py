"""Import and export of people's rows in the admin: safe formats only, each export logged, uploads kept encrypted.

What could go wrong: an export nobody can account for, a formula in a cell, or an uploaded list of people that lies in
a temporary folder for ever because somebody closed the tab before confirming.
"""

from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
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


class PersonalExportAdmin(_LoggedExport, PersonalDataAdmin, ExportMixin):
    """`export_<model>` is the permission; give `resource_classes` as import-export wants them."""


class PersonalImportExportAdmin(_LoggedExport, PersonalDataAdmin, ImportExportMixin):
    """`import_<model>` and `export_<model>` are the permissions. A file is taken whole or not at all."""

    import_form_class = ImportForm
    tmp_storage_class: ClassVar[type[EncryptedUpload]] = EncryptedUpload

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """A preview compares the file with the rows that exist, so it shows them: that is a look, too."""
        with transaction.atomic():
            response = super().import_action(request, **kwargs)
            result = (getattr(response, "context_data", None) or {}).get("result")
            if result is not None and (shown := _existing(result)):
                self.log_access(request, AccessEntry.Action.LIST, rows=shown)
        return response


def _existing(result: Any) -> int:
    kinds = (RowResult.IMPORT_TYPE_UPDATE, RowResult.IMPORT_TYPE_DELETE, RowResult.IMPORT_TYPE_SKIP)
    return sum(result.totals[kind] for kind in kinds)
