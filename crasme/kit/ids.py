"""Identifiers that are never used twice.

What could go wrong: a restored backup winds sequences back and hands an erased person's number to somebody else, or
random keys scatter a large table's index. UUIDv7 avoids both: unique without a sequence, ordered by time.
"""

import uuid
from datetime import UTC, datetime, timedelta

from uuid_utils import compat

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def uuid7() -> uuid.UUID:
    """A new UUIDv7 of the standard library's type; within one process each is greater than the one before."""
    return compat.uuid7()


def uuid7_instant(identifier: uuid.UUID) -> datetime:
    """When a UUIDv7 was made: aware, UTC, to the millisecond. ValueError for any other version."""
    if identifier.version != 7:
        raise ValueError("Only a version 7 UUID tells when it was made.")
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)
