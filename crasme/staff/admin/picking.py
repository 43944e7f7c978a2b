"""The widget of a field whose rows are searched for.

What could go wrong: a form that comes back with what is no key at all (a crafted post, a link cut short). The widget of
Django looks for it once more to show it, and breaks the page that would have said what is wrong.
"""

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey
from django.http import HttpRequest


class PickedRow(AutocompleteSelect):
    """Shows nothing as chosen where no row can be meant; the field says why."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        try:
            return super().optgroups(name, value, attrs)
        except (ValueError, ValidationError):
            return super().optgroups(name, [], attrs)


class PickedRows:
    """For admins and inlines, before their base: every one of `autocomplete_fields` gets that widget."""

    admin_site: Any
    get_autocomplete_fields: Any

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        if "widget" not in kwargs and db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = PickedRow(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
