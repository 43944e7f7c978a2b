"""Digests of what went: checkable against a list of keys, and telling nothing without one.

A batch's digest is SHA-256 over its primary keys in ascending order (a UUID as its 16 bytes, anything else as UTF-8 and
a line feed); a run's digest chains them, so that one value stands for every key that went, in the order it went.
"""

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import models


def of_keys(keys: Iterable[Any]) -> str:
    """The digest of one batch, in hex. Keys are all of one type."""
    return hashlib.sha256(b"".join(_bytes(key) for key in sorted(keys))).hexdigest()


def sql_of_keys(model: type[models.Model], column: str) -> str:
    """The same digest as a SQL aggregate over `column`, the model's quoted primary key."""
    if isinstance(model._meta.pk, models.UUIDField):
        return f"encode(sha256(coalesce(string_agg(uuid_send({column}), ''::bytea ORDER BY {column}), '')), 'hex')"
    text = f"convert_to({column}::text || E'\\n', 'UTF8')"
    return f"encode(sha256(coalesce(string_agg({text}, ''::bytea ORDER BY {column}), '')), 'hex')"


def chained(before: str, label: str, digest: str) -> str:
    """The run's digest after one more batch of `label`; `before` is "" for the first."""
    return hashlib.sha256(f"{before}\n{label}\n{digest}".encode()).hexdigest()


def _bytes(key: Any) -> bytes:
    return key.bytes if isinstance(key, UUID) else f"{key}\n".encode()
