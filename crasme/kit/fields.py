"""Model fields: text and files that only the application can read, and periods in ISO 8601.

What could go wrong: somebody filters on an encrypted column and silently finds nothing; a dump or an error shows the
secret; a period with a typing error stops the nightly run instead of the form. So lookups are refused, dumps carry
the encrypted form, and the database itself checks the shape of a period.
"""

from typing import Any

from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _

from crasme.kit import crypto
from crasme.kit.calendar import PATTERN, Period, PeriodError

_DUMPED = "fernet:"


class _Encrypted:
    """What the two encrypted fields share: nothing can be looked up but whether there is a value at all."""

    name: str

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it can only be asked whether it is null, not “{lookup_name}”.")
        return super().get_lookup(lookup_name)  # type: ignore[misc]

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is encrypted: the database cannot compute “{lookup_name}” of it.")

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found: list[checks.CheckMessage] = super().check(**kwargs)  # type: ignore[misc]
        wrong = [option for option in ("unique", "db_index", "primary_key", "choices") if getattr(self, option, None)]
        found += [
            checks.Error(f"An encrypted field cannot have {option}=….", obj=self, id="kit.E020") for option in wrong
        ]
        return found


class EncryptedTextField(_Encrypted, models.TextField):
    """Text that is stored as a Fernet token and is plain text on the instance.

    Two equal values never have equal tokens, so nothing but `isnull` can be looked up and nothing can be unique; keep
    a `crypto.keyed_hash` beside it when rows must be found. Loading raises `crypto.KeyMissing` when no key fits.
    """

    description = _("Encrypted text")

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if not isinstance(value, str):
            raise TypeError(f"{self.name} takes text, not {type(value).__name__}.")
        return crypto.encrypt(value.encode(errors="surrogatepass")).decode("ascii")

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        return None if value is None else crypto.decrypt(value.encode()).decode(errors="surrogatepass")

    def to_python(self, value: Any) -> Any:
        # A fixture carries the encrypted form (see value_to_string).
        if isinstance(value, str) and value.startswith(_DUMPED):
            return crypto.decrypt(value.removeprefix(_DUMPED).encode()).decode(errors="surrogatepass")
        return super().to_python(value)

    def value_to_string(self, obj: models.Model) -> Any:
        value = self.value_from_object(obj)
        return None if value is None else _DUMPED + self.get_prep_value(value)


class EncryptedBytesField(_Encrypted, models.BinaryField):
    """A file, stored as a Fernet token and as plain bytes on the instance; loaded and kept whole, so for small ones.

    Text inside is found by no search of the database or of `retention.residue`: an erasure deletes the row.
    """

    description = _("Encrypted file")

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return crypto.encrypt(bytes(value))

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> bytes | None:
        return None if value is None else crypto.decrypt(bytes(value))

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith(_DUMPED):
            return crypto.decrypt(value.removeprefix(_DUMPED).encode())
        return super().to_python(value)

    def value_to_string(self, obj: models.Model) -> Any:
        value: Any = self.value_from_object(obj)
        return None if value is None else _DUMPED + crypto.encrypt(bytes(value)).decode("ascii")


EncryptedField = EncryptedTextField | EncryptedBytesField


def validate_period(value: str) -> None:
    try:
        period = Period.parse(value)
    except PeriodError as error:
        raise ValidationError(str(error), code=error.code) from None
    if period == Period():
        raise ValidationError(_("A period is longer than nothing. Write P1D for one day."), code="no-period")


class PeriodField(models.CharField):
    """A period as ISO 8601 text, "P24M" or "P90D"; read it with `Period.parse`. The database checks its shape too."""

    description = _("Calendar period (ISO 8601)")
    default_validators = [validate_period]  # noqa: RUF012  (as in Django's own fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 24, **kwargs})

    def get_prep_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, Period) else super().get_prep_value(value)

    def to_python(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, Period) else super().to_python(value)

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        column = connection.ops.quote_name(str(self.column))
        shape = f"{column} ~ '{PATTERN}'"
        return f"({shape} OR {column} = '')" if self.blank else shape
