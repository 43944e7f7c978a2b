"""INSERT … ON CONFLICT DO NOTHING that says whether the row was new; `bulk_create(ignore_conflicts=True)` does not.

What could go wrong: looking first and inserting then stores a doubled request twice. Here the database decides, in one
statement, without an error that would break the caller's transaction; and as twice is once here, that statement may be
run again when the connection turns out to be dead, instead of asking the connection first.
"""

from functools import cache
from typing import Any

from django.db import connections, models, router

from crasme.kit.statements import twice_is_once, whole_of


def insert_once(row: models.Model) -> bool:
    """Whether `row` was written; False when a unique key holds it already. Other constraints raise IntegrityError."""
    using = router.db_for_write(type(row))
    connection = connections[using]
    fields, sql = _insert(type(row), using)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    written, _none = twice_is_once(sql, values, using)
    row._state.adding, row._state.db = False, using
    return written == 1


def insert_among[M: models.Model](row: M, by: str) -> tuple[bool, list[M]]:
    """As `insert_once`, and in the same statement the rows that were there before with the same value of column `by`.

    Whoever writes another of them in the same instant is not among them. When `row` was there already, ask anew: it may
    have come in that instant, and be missing as well.
    """
    using = router.db_for_write(type(row))
    connection = connections[using]
    fields, sql = _insert_and_read(type(row), by, using)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    key = row._meta.get_field(by).get_db_prep_value(getattr(row, by), connection)  # type: ignore[union-attr]
    _count, found = twice_is_once(sql, [*values, key], using)
    row._state.adding, row._state.db = False, using
    whole, _columns = whole_of(type(row), using)
    # One row at the least: it says how many were stored, and is empty else when there was none before.
    return bool(found[0][0]), whole.instances([each[2:] for each in found if each[1]])


@cache
def _insert_and_read(model: type[models.Model], by: str, using: str) -> tuple[list[Any], str]:
    fields, insert = _insert(model, using)
    quote = connections[using].ops.quote_name
    _whole, columns = whole_of(model, using)
    table, column = quote(model._meta.db_table), quote(str(model._meta.get_field(by).column))  # type: ignore[union-attr]
    return fields, (
        f"WITH stored AS ({insert} RETURNING 1)"  # noqa: S608
        f" SELECT (SELECT count(*) FROM stored), {column} IS NOT NULL, {columns}"
        f" FROM (SELECT 1) AS always LEFT JOIN {table} ON {column} = %s"
    )


@cache
def _insert(model: type[models.Model], using: str) -> tuple[list[Any], str]:
    fields, quote = list(model._meta.concrete_fields), connections[using].ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    # Names from the model, quoted; the values are parameters. Prepared: a partitioned table takes long to plan.
    return fields, f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
