"""Import and export of the suppression list in the admin; see `consent.lists`."""

from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils import timezone
from import_export.admin import ImportExportMixin
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from consent import lists
from crasme.kit.errors import CrasmeError
from crasme.kit.formats import FileRefused, SafeFormats
from crasme.staff.uploads import EncryptedUpload


class HashedUpload(EncryptedUpload):
    """Holds no address: what is kept until the confirmation is the file with hashes in their place."""

    refused: CrasmeError | None = None

    def read(self) -> bytes | str:
        if self.refused is not None:
            raise self.refused
        return super().read()


class ListAdmin(SafeFormats, ImportExportMixin):
    """`import_suppression` and `export_suppression` are the permissions."""

    import_form_class = ImportForm
    export_form_class = ExportForm
    resource_classes: ClassVar[list[Any]] = [lists.SuppressionSheet]
    tmp_storage_class: ClassVar[type[EncryptedUpload]] = HashedUpload

    def write_to_tmp_storage(self, import_file: Any, input_format: Any) -> HashedUpload:
        storage = HashedUpload(read_mode=input_format.get_read_mode())
        kept = b""
        try:
            dataset = lists.hashed(input_format.create_dataset(b"".join(import_file.chunks())))
            kept = input_format.export_data(dataset)
        except FileRefused as error:
            storage.refused = error
        except lists.ListUnfit as error:
            # What this cannot read is said beside the file, as for any other file.
            storage.refused = FileRefused(str(error))
        storage.save(kept)
        return storage

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {"actor": request.user.ref, "now": timezone.now()}  # type: ignore[union-attr]

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        given: dict[str, Any] = super().get_import_data_kwargs(**kwargs)
        return given | {"rollback_on_validation_errors": True}
