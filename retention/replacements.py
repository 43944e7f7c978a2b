"""What stands in a column after an erasure that keeps the row."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from crasme.kit.datamap import Erase, Field
from retention.errors import NotBlankable

NOW = object()  # stands for the moment of the erasure

_EMPTY: tuple[tuple[type[models.Field], Any], ...] = (
    (models.CharField, ""),
    (models.TextField, ""),
    (models.BooleanField, False),
    (models.IntegerField, 0),
    (models.FloatField, 0),
    (models.DecimalField, 0),
    (models.BinaryField, b""),
)


def replacement(field: Any, declared: Field) -> Any:
    """The value that takes the column's place; NOW stands for the moment of the erasure.

    NotBlankable when the data map asks for something that the column cannot hold.
    """
    if declared.erase is Erase.BLANK:
        return _empty(field)
    try:
        return _anonymous(field, declared.how)
    except ValidationError:
        raise NotBlankable(
            _("%(field)s cannot be replaced by “%(how)s”.") % {"field": _name(field), "how": declared.how}
        ) from None


def value_at(value: Any, field: Any, now: datetime) -> Any:
    """`value` with NOW resolved: an instant, or its UTC day for a date column."""
    if value is not NOW:
        return value
    return now if isinstance(field, models.DateTimeField) else now.astimezone(UTC).date()


def _empty(field: Any) -> Any:
    if field.null:
        return None
    if isinstance(field, models.JSONField):
        return [] if field.get_default() == [] else {}
    for kind, empty in _EMPTY:
        if isinstance(field, kind):
            return empty
    raise NotBlankable(
        _("%(field)s is to be emptied, but the column takes neither NULL nor an empty value.") % {"field": _name(field)}
    )


def _anonymous(field: Any, how: str) -> Any:
    if how == "zero":
        return 0
    if how == "now" and isinstance(field, models.DateField):
        return NOW
    if how.startswith("="):
        value = field.to_python(how.removeprefix("="))
        field.run_validators(value)
        return value
    raise NotBlankable(
        _("%(field)s cannot be replaced by “%(how)s”: write zero, now, or = and a literal.")
        % {"field": _name(field), "how": how}
    )


def _name(field: Any) -> str:
    return f"{field.model._meta.label}.{field.name}"
