"""Rows by many keys at once: one array in place of a parameter for each key.

What could go wrong: `pk__in` with five hundred keys costs more time in Python, key by key and statement by statement,
than the database needs for the work. An array is one parameter, and its length is known to the planner.
"""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Field, IntegerField, UUIDField
from django.db.models.expressions import RawSQL


def among(field: "Field[Any, Any]", keys: Collection[Any]) -> RawSQL:
    """For `…__in=among(Account._meta.pk, keys)`: the keys are values of `field`'s own Python type."""
    plain = isinstance(field, UUIDField | IntegerField)  # these need no quoting, so all of them are written at once
    value = f"{{{','.join(map(str, keys))}}}" if plain else list(keys)
    return RawSQL(f"SELECT unnest(%s::{field.db_type(connection)}[])", [value])  # noqa: S611  (a column type's name)
