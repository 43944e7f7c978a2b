"""Re-encrypt every encrypted field under the first of FIELD_KEYS, so that an old key can be removed.

What could go wrong: the command is interrupted, two run at once, or the application writes meanwhile. So rows go in
short transactions, what the first key already opens is left alone (a second run goes on where the first stopped),
and a value is replaced only where it is still the one that was read. A value that no key opens is named by table and
primary key, and the command fails at the end: do not remove a key then.
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from crasme.kit import crypto
from crasme.kit.fields import EncryptedBytesField, EncryptedField

BATCH = 500
FILES = 5  # a batch of whole files must fit into memory


class Command(BaseCommand):
    help = "Re-encrypt every encrypted field under the first of FIELD_KEYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what is not under the first key")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections))

    def handle(self, *, dry_run: bool, database: str, **options: Any) -> None:
        unreadable: list[str] = []
        for field in encrypted_fields():
            rotated = 0
            for key, token in _outdated(field, database):
                try:
                    fresh = crypto.rotate(token)
                except crypto.KeyMissing:
                    unreadable.append(f"{field.model._meta.db_table}.{field.column} of {key}")
                    continue
                rotated += 1 if dry_run else _replace(field, database, key, token, fresh)
            verb = "to re-encrypt" if dry_run else "re-encrypted"
            self.stdout.write(f"{field.model._meta.label}.{field.name}: {rotated} {verb}")
        if unreadable:
            shown = "\n  ".join(unreadable[:20])
            raise CommandError(
                f"No key opens {len(unreadable)} value(s); keep every key until they are mended:\n  {shown}"
            )


def encrypted_fields() -> Iterator[EncryptedField]:
    """Every encrypted column there is, each once; sorted, so that two runs meet in the same order."""
    for model in sorted(apps.get_models(include_auto_created=True), key=lambda each: each._meta.label):
        if model._meta.managed and not model._meta.proxy:
            yield from (field for field in model._meta.local_fields if isinstance(field, EncryptedField))


def _outdated(field: EncryptedField, database: str) -> Iterator[tuple[Any, bytes]]:
    """Primary key and stored token of every value that is not under the first key, read in batches by key."""
    for page in _pages(field, database):
        yield from ((key, token) for key, token in page if not crypto.is_current(token))


def _pages(field: EncryptedField, database: str) -> Iterator[list[tuple[Any, bytes]]]:
    # Plain SQL: the ORM would decrypt the value on its way out.
    table, key, column = _names(field, database)
    condition, params = "", list[Any]()
    limit = FILES if isinstance(field, EncryptedBytesField) else BATCH
    while True:
        with connections[database].cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL{condition}"  # noqa: S608
                f" ORDER BY {key} LIMIT {limit}",
                params,
            )
            page = [(pk, token.encode() if isinstance(token, str) else bytes(token)) for pk, token in cursor]
        if not page:
            return
        yield page
        condition, params = f" AND {key} > %s", [page[-1][0]]


def _replace(field: EncryptedField, database: str, key: Any, old: bytes, new: bytes) -> int:
    table, name, column = _names(field, database)
    with transaction.atomic(using=database), connections[database].cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE {name} = %s AND {column} = %s",  # noqa: S608
            [_stored(field, new), key, _stored(field, old)],
        )
        return int(cursor.rowcount)


def _stored(field: EncryptedField, token: bytes) -> bytes | str:
    return token if isinstance(field, EncryptedBytesField) else token.decode("ascii")


def _names(field: EncryptedField, database: str) -> tuple[str, str, str]:
    quote = connections[database].ops.quote_name
    meta = field.model._meta
    return quote(meta.db_table), quote(str(meta.pk.column)), quote(str(field.column))
