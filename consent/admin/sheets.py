"""Import and export of cookies in the admin; see `consent.sheets`."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin
from import_export.forms import ConfirmImportForm
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.widgets import UnfoldAdminSelectWidget

from consent.models import Category
from consent.sheets import BY_HAND, CookieSheet, OpenCookieExport, OpenCookieSheet
from crasme.kit.formats import SafeFormats
from crasme.staff.uploads import EncryptedUpload

THEIRS = (*BY_HAND, "Analytics", "Personalization")


def _ours() -> list[tuple[str, Any]]:
    return [("", _("not said")), *((each.slug, each.title) for each in Category.objects.all())]


def _mapped(name: str) -> str:
    return f"map_{name.lower()}"


class CookieImportForm(ImportForm):
    """With one choice for each category of the Open Cookie Database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in THEIRS:
            self.fields[_mapped(name)] = forms.ChoiceField(
                label=_("“%(category)s” of the Open Cookie Database is") % {"category": name},
                choices=_ours,
                required=False,
                widget=UnfoldAdminSelectWidget,
            )


class CookieConfirmForm(ConfirmImportForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in THEIRS:
            self.fields[_mapped(name)] = forms.CharField(required=False, widget=forms.HiddenInput())


class SheetAdmin(SafeFormats, ImportExportMixin):
    """`import_cookie` and `export_cookie` are the permissions."""

    import_form_class = CookieImportForm
    confirm_form_class = CookieConfirmForm
    export_form_class = ExportForm
    tmp_storage_class: ClassVar[type[EncryptedUpload]] = EncryptedUpload

    def get_import_resource_classes(self, request: HttpRequest) -> list[Any]:
        return [CookieSheet, OpenCookieSheet]

    def get_export_resource_classes(self, request: HttpRequest) -> list[Any]:
        return [CookieSheet, OpenCookieExport]

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.get("form")
        said = getattr(form, "cleaned_data", {}) if form else {}
        return {
            "actor": request.user.ref,  # type: ignore[union-attr]
            "mapping": {name.casefold(): said.get(_mapped(name), "") for name in THEIRS},
        }

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        given: dict[str, Any] = super().get_import_data_kwargs(**kwargs)
        return given | {"rollback_on_validation_errors": True}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        said = import_form.cleaned_data if import_form else {}
        return initial | {_mapped(name): said.get(_mapped(name), "") for name in THEIRS}
