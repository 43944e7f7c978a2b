"""Digests of what went: checkable against a list of keys, and telling nothing without one.

A batch's digest is SHA-256 over its primary keys in ascending order (a UUID as its 16 bytes, anything else as UTF-8 and
a line feed). The batches are the leaves of a Merkle tree (crasme.kit.merkle), and a run's digest is its root: one value
stands for every key that went, and each batch can be shown to belong to it without the others. A very large month is
several batches: "… 2/3" are the keys of the second of three equal spans of its time.

What it proves, and to whom: whoever has the keys of a batch (from a backup that is still there, or a person's own copy
of their data) can show that exactly these rows went, and so that a single one of them did. Without the batch's keys
nothing can be shown of a single row, and nothing is kept by which that could be done: a digest of each key would be a
list of pseudonyms that outlives the data.
"""

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import models

from crasme.kit import merkle

UUID_BYTES = 16
Leaf = tuple[str, int, str]  # a batch: its label, the number of rows, the digest of their keys


def of_keys(keys: Iterable[Any]) -> str:
    """The digest of one batch, in hex. Keys are all of one type."""
    return hashlib.sha256(b"".join(_bytes(key) for key in sorted(keys))).hexdigest()


def sql_of_keys(model: type[models.Model], column: str, rows: str, *, span: str = "") -> str:
    """A query for zero and the bytes of `of_batch`: of `column`, the model's quoted primary key, of `rows`, a FROM
    clause and what follows it. With `span`, an expression, the same for each of its values, which takes the zero's
    place: no more is held at once than the keys of one, however many rows there are."""
    which, grouped = (span, " GROUP BY 1") if span else ("0", "")
    key = f"uuid_send({column})" if _is_uuid(model) else f"convert_to({column}::text || E'\\n', 'UTF8')"
    keys = f"string_agg({key}, ''::bytea ORDER BY {column})"
    return f"SELECT {which}, coalesce({keys}, '') FROM {rows}{grouped}"  # noqa: S608


def of_batch(model: type[models.Model], keys: bytes, without: bytes = b"") -> tuple[int, str]:
    """The number of rows and the digest of the keys that `sql_of_keys` found, one after the other, except for those
    of them that are in `without` too, as often as they are in it.

    They are hashed here and not by the database: where PostgreSQL is built without OpenSSL its sha256() takes as long
    as everything else about a digest together. And a few are left out here: to compare each row with them costs the
    database as much as to read it.
    """
    uuids, whole = _is_uuid(model), memoryview(keys)
    digest, rows, since = hashlib.sha256(), _count(keys, uuids=uuids), 0
    for key in _split(without, uuids=uuids):
        # Both are in the order of the keys: what is looked for comes after what was found last.
        at = keys.find(key, since)
        while at > 0 and (at % UUID_BYTES if uuids else keys[at - 1] != ord("\n")):
            at = keys.find(key, at + 1)
        if at >= 0:
            digest.update(whole[since:at])
            rows, since = rows - 1, at + len(key)
    digest.update(whole[since:])
    return rows, digest.hexdigest()


def _count(keys: bytes, *, uuids: bool) -> int:
    return len(keys) // UUID_BYTES if uuids else keys.count(b"\n")


def _split(keys: bytes, *, uuids: bool) -> list[bytes]:
    if uuids:
        return [keys[at : at + UUID_BYTES] for at in range(0, len(keys), UUID_BYTES)]
    # Not splitlines: a key may hold a carriage return.
    return [key + b"\n" for key in keys.split(b"\n")[:-1]]


def leaf(label: str, rows: int, digest: str) -> str:
    """A batch as a leaf of its run's tree, in hex: its label, the number of rows, the digest of their keys."""
    return merkle.leaf(f"{label}\n{rows}\n{digest}")


def _bytes(key: Any) -> bytes:
    return key.bytes if isinstance(key, UUID) else f"{key}\n".encode()


def _is_uuid(model: type[models.Model]) -> bool:
    return isinstance(model._meta.pk, models.UUIDField)
