"""Emptying the database after a test that committed.

What could go wrong: evidence tables refuse TRUNCATE by trigger (the flush runs as a replica does, which fires no such
trigger), a flush takes away what the migrations had put in (it is kept aside once and put back with every flush), and
the shared worker is at work meanwhile and the two wait for each other (PostgreSQL ends one; the flush is begun again).
"""

from collections.abc import Iterable
from typing import Any

from django.core.management.commands import flush
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg.errors import DeadlockDetected

ATTEMPTS = 5
_restore: dict[str, list[str]] = {}
_execute = DatabaseOperations.execute_sql_flush


def _execute_as_replica(self: DatabaseOperations, sql_list: Iterable[str]) -> Any:
    name = str(self.connection.settings_dict["NAME"])
    statements = ["SET LOCAL session_replication_role = replica", *sql_list, *_restore.get(name, [])]
    for _attempt in range(ATTEMPTS - 1):
        try:
            return _execute(self, statements)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    return _execute(self, statements)


def _send_nothing(*args: Any, **kwargs: Any) -> None:
    return None


def keep_seeds(connection: BaseDatabaseWrapper) -> None:
    """Call once, right after the migrations: remembers every row they made."""
    # What the apps put in after migrating is among the seeds; sending the signal again would only take seconds.
    flush.emit_post_migrate_signal = _send_nothing  # type: ignore[attr-defined]
    DatabaseOperations.execute_sql_flush = _execute_as_replica  # type: ignore[method-assign,assignment]
    statements = []
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA seeds")
        cursor.execute(
            "SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND c.relname <> 'django_migrations'"
            " GROUP BY c.relname ORDER BY c.relname"
        )
        for table, columns in cursor.fetchall():
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM public."{table}")')
            if cursor.fetchone() == (True,):
                cursor.execute(f'CREATE TABLE seeds."{table}" AS SELECT {columns} FROM public."{table}"')
                statements.append(
                    f'INSERT INTO public."{table}" ({columns}) OVERRIDING SYSTEM VALUE'
                    f' SELECT {columns} FROM seeds."{table}"'
                )
    _restore[str(connection.settings_dict["NAME"])] = statements
