"""The accounts that an export hands out.

What could go wrong: somebody's data is used although its processing is restricted. So restricted and erased accounts
are left out, whatever was selected.
"""

from typing import Any, ClassVar

from import_export import resources
from import_export.fields import Field

from crasme.crm.models import Account
from crasme.crm.sheets.cells import OrganisationCell, Text


class AccountExport(resources.ModelResource):
    organisation = Field(attribute="organisation", column_name="organisation", widget=OrganisationCell())
    id = Field(attribute="pk", column_name="id", widget=Text())

    class Meta:
        model = Account
        name = "accounts"
        fields: ClassVar = (
            "email",
            "full_name",
            "organisation",
            "phone",
            "business_address",
            "job_title",
            "role",
            "language",
            "time_zone",
            "id",
            "status",
            "created_at",
            "closed_at",
        )
        export_order = fields

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.present().filter(restricted_at=None).select_related("organisation")
