"""INSERT … ON CONFLICT DO NOTHING that says whether the row was new; `bulk_create(ignore_conflicts=True)` does not.

What could go wrong: looking first and inserting then stores a doubled request twice. Here the database decides, in one
statement, without an error that would break the caller's transaction.
"""

from django.db import connections, models, router

from crasme.kit.statements import executed


def insert_once(row: models.Model) -> bool:
    """Whether `row` was written; False when a unique key holds it already. Other constraints raise IntegrityError."""
    using = router.db_for_write(type(row))
    connection = connections[using]
    fields = row._meta.concrete_fields
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    # Names from the model, quoted; the values are parameters. Prepared: a partitioned table takes long to plan.
    sql = f"INSERT INTO {quote(row._meta.db_table)} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
    with executed(sql, values, using) as cursor:
        written: int = cursor.rowcount
    row._state.adding, row._state.db = False, using
    return written == 1
