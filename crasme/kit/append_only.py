"""Tables that only grow: the database itself refuses UPDATE, DELETE and TRUNCATE.

What could go wrong: a row trigger alone is blind to TRUNCATE, so there is a statement trigger as well. Rows that a
retention rule must end (consent records) are deleted with `purgeable=True`, and only inside a transaction that has
said so by `allow_purge`; the ledger never is. A partition's trigger sees the partition's name, so the name that
`allow_purge` is compared with is an argument of the trigger.
"""

from functools import cache

from django.db import connection, migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION crasme_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_ARGV[0] = 'purgeable' AND current_setting('crasme.purge', true) = TG_ARGV[1] THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def append_only(table: str, *, purgeable: bool = False, unless: str = "") -> migrations.RunSQL:
    """A migration operation that makes `table` append-only. On a partitioned table every partition inherits it.

    `unless` is a condition in SQL on OLD and NEW for the one UPDATE that a row may see.
    """
    argument = "purgeable" if purgeable else "never"
    changes = f"FOR EACH ROW WHEN (({unless}) IS NOT TRUE)" if unless else "FOR EACH ROW"
    return migrations.RunSQL(
        sql=f"""{_FUNCTION}
        CREATE TRIGGER {table}_rows_stay BEFORE DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION crasme_append_only('{argument}', '{table}');
        CREATE TRIGGER {table}_rows_keep BEFORE UPDATE ON {table}
            {changes} EXECUTE FUNCTION crasme_append_only('{argument}', '{table}');
        CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION crasme_append_only('never');
        """,
        reverse_sql=" ".join(
            f"DROP TRIGGER {table}_{name} ON {table};" for name in ("rows_stay", "rows_keep", "stays")
        ),
    )


def allow_purge(table: str) -> None:
    """Until the current transaction ends, rows of this one purgeable table may be deleted. For retention only."""
    if _is_append_only(table):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('crasme.purge', %s, true)", [table])


@cache
def _is_append_only(table: str) -> bool:
    """Whether the table has the trigger; asked once a process, since most tables that lose rows have none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname = %s)",
            [connection.ops.quote_name(table), f"{table}_rows_stay"],
        )
        return bool(cursor.fetchone()[0])
