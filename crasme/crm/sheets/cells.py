"""Reading one cell of an uploaded table.

What could go wrong: a spreadsheet turns a phone number into 4.366412345E+10 and a name into a date, or a role is
written as people say it. Each widget takes what is meant, or says what is wrong with the cell and what to do.
"""

from datetime import date, time
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from import_export.widgets import Widget

from crasme.crm.models import Account, Organisation
from crasme.kit.text import normalise_email


class Text(Widget):
    """Text without blanks around it; a whole number becomes its digits. An empty cell is ""."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool | float | date | time):
            raise ValueError(  # noqa: TRY004  (import-export shows ValueErrors at their column)
                _("The cell holds a date, a fraction or a yes/no. Format the column as text.")
            )
        return str(value).strip()

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else str(value)


class Mailbox(Text):
    """An e-mail address in its normalised form."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return normalise_email(super().clean(value, row, **kwargs))


class Optional(Text):
    """As Text, but an empty cell leaves the field as it is (None)."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return super().clean(value, row, **kwargs) or None


class Role(Optional):
    """A role by its stored value or by its name in the active language."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        text = super().clean(value, row, **kwargs)
        if text is None:
            return None
        known = {word.casefold(): role for role, label in Account.Role.choices for word in (role, str(label))}
        try:
            return known[text.casefold()]
        except KeyError:
            raise ValueError(
                _("There is no such role. Write one of: %(roles)s.") % {"roles": ", ".join(Account.Role.values)}
            ) from None


class OrganisationCell(Optional):
    """An organisation by its id or its name; `known` holds those that the file may mean, by either, in lower case."""

    def __init__(self, known: dict[str, list[Organisation]] | None = None) -> None:
        super().__init__()
        self.known = known or {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        text = super().clean(value, row, **kwargs)
        if text is None:
            return None
        found = self.known.get(text.lower(), [])
        if not found:
            raise ValueError(_("There is no organisation of this name or id. Add it first, or correct the cell."))
        if len(found) > 1:
            raise ValueError(_("Several organisations have this name. Write the organisation's id instead."))
        return found[0]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value.name if value else ""


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
