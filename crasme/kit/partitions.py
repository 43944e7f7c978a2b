"""Tables partitioned by calendar month (UTC): made by a migration, extended ahead, listed for retention.

What could go wrong: a row arrives for a month that has no partition and is refused; a DEFAULT partition swallows it
instead, and then no partition can be detached without a lock on everything; two workers make the same month at once;
a bound follows the session's time zone. So months are made ahead under an advisory lock, attached without stopping
writers, with bounds that spell "+00", and a table with a DEFAULT partition is refused.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations import CreateModel, DeleteModel
from django.db.migrations.operations.base import Operation

from crasme.kit.calendar import month_floor, months_between, next_month, start_of
from crasme.kit.errors import CrasmeError

# PostgreSQL cuts longer names off, and two months would then share one.
_LONGEST_NAME = 63


class PartitionError(CrasmeError):
    code = "partition"


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: rows from `lower` (kept) to `upper` (not in it), aware UTC; `rows_estimate` is the planner's.

    `detaching` is true when a concurrent detach was interrupted and must be finalised.
    """

    name: str
    lower: datetime
    upper: datetime
    rows_estimate: int
    detaching: bool = False


def partition_name(table: str, month: date) -> str:
    """`crm_usageevent` and any day of November 2026 give `crm_usageevent_y2026m11`."""
    name = f"{table}_y{month.year:04}m{month.month:02}"
    if len(name.encode()) > _LONGEST_NAME:
        raise PartitionError(f"The name of table {table} is too long to be partitioned by month.")
    return name


def existing(connection: BaseDatabaseWrapper, table: str) -> list[Partition]:
    """The partitions of `table`, oldest first. PartitionError when it is not partitioned by one time range."""
    with connection.cursor() as cursor:
        _refuse_unfit(cursor, table)
        cursor.execute(
            r"""
            SELECT child.relname, (bounds.found)[1]::timestamptz, (bounds.found)[2]::timestamptz,
                   CASE WHEN child.reltuples >= 0 THEN child.reltuples::bigint
                        ELSE pg_stat_get_live_tuples(child.oid) END,
                   inhdetachpending
            FROM pg_inherits
            JOIN pg_class child ON child.oid = inhrelid
            CROSS JOIN LATERAL (
                SELECT regexp_match(pg_get_expr(child.relpartbound, child.oid), 'FROM \(''(.+?)''\) TO \(''(.+?)''\)')
            ) AS bounds (found)
            WHERE inhparent = %s::regclass
            ORDER BY 2, 1
            """,
            [connection.ops.quote_name(table)],
        )
        rows = cursor.fetchall()
    if unbounded := [name for name, lower, upper, *_ in rows if lower is None or upper is None]:
        raise PartitionError(f"Partition {unbounded[0]} has no bounds of its own; only months are understood.")
    return [Partition(*row) for row in rows]


def tables(connection: BaseDatabaseWrapper) -> list[str]:
    """The tables of this schema that are partitioned by range, in alphabetical order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid"
            " WHERE partstrat = 'r' AND NOT relispartition AND pg_table_is_visible(partrelid) ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def months_ahead(connection: BaseDatabaseWrapper, table: str, now: datetime) -> int:
    """How many months after the current one are ready without a gap; -1 when even this month is missing."""
    have = {each.lower for each in existing(connection, table)}
    month, count = month_floor(now), -1
    while month in have:
        month, count = next_month(month), count + 1
    return count


def ensure_months(connection: BaseDatabaseWrapper, table: str, first: date, last: date) -> list[str]:
    """Make every missing partition from the month of `first` to the month of `last`, both included; their names.

    Idempotent, also when several call it at once. A month that other bounds already cover is left alone. Attaching
    takes no lock that writers or readers would wait for. PartitionError when a table of the month's name stands beside
    (a partition detached and not yet dropped), or when `table` has a DEFAULT partition.
    """
    made = []
    quote = connection.ops.quote_name
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"partitions of {table}"])
        have = existing(connection, table)
        for month in months_between(first, last):
            lower, upper = start_of(month), start_of(next_month(month))
            if any(each.lower <= lower and upper <= each.upper for each in have):
                continue
            name = partition_name(table, month)
            _refuse_leftover(cursor, name, quote(name))
            # LIKE and ATTACH instead of PARTITION OF, which would lock the parent against everybody. Indexes, keys
            # and foreign keys are made to match the parent's when it is attached.
            cursor.execute(
                f"CREATE TABLE {quote(name)} (LIKE {quote(table)}"
                " INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION)"
            )
            cursor.execute(
                f"ALTER TABLE {quote(table)} ATTACH PARTITION {quote(name)}"
                f" FOR VALUES FROM ('{lower:%Y-%m-%d} 00:00:00+00') TO ('{upper:%Y-%m-%d} 00:00:00+00')"
            )
            _copy_truncate_triggers(cursor, quote(table), quote(name))
            made.append(name)
    return made


def _refuse_unfit(cursor: Any, table: str) -> None:
    cursor.execute(
        "SELECT partstrat, partdefid <> 0 FROM pg_partitioned_table WHERE partrelid = to_regclass(quote_ident(%s))",
        [table],
    )
    row = cursor.fetchone()
    if row is None or row[0] != "r":
        raise PartitionError(f"Table {table} is not partitioned by range, or does not exist.")
    if row[1]:
        raise PartitionError(
            f"Table {table} has a DEFAULT partition.",
            remedy="Move its rows into monthly partitions and drop it: nothing can be detached concurrently beside it.",
        )


def _refuse_leftover(cursor: Any, name: str, quoted: str) -> None:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [quoted])
    if cursor.fetchone()[0]:
        raise PartitionError(
            f"A table named {name} exists already but is not attached.",
            remedy="It was detached: let retention finish with it (or attach it again) before making the month anew.",
        )


def _copy_truncate_triggers(cursor: Any, parent: str, child: str) -> None:
    """Row triggers come along when a partition is attached; a statement trigger does not, and TRUNCATE has no other.

    Without this, an append-only table could be emptied month by month.
    """
    cursor.execute(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
        # Bit 0: for each row; bit 5: on TRUNCATE.
        " WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgtype & 1 = 0 AND tgtype & 32 <> 0 ORDER BY tgname",
        [parent],
    )
    for (definition,) in cursor.fetchall():
        cursor.execute(re.sub(r" ON \S+ ", f" ON {child} ", definition, count=1))


class CreatePartitionedModel(CreateModel):
    """CreateModel whose table is partitioned by range on a DateTimeField; in a migration replace the one by the other.

    The model's state is the same as after CreateModel, so the autodetector sees no difference. In the database the
    primary key becomes (primary key, column), because a partitioned table's key must hold the partition column: ids
    are unique per instant only, which UUIDv7 makes good. The table has no partitions yet; `ensure_months` makes them.
    """

    def __init__(
        self,
        name: str,
        fields: list[tuple[str, Any]],
        column: str,
        options: dict[str, Any] | None = None,
        bases: Any = None,
        managers: Any = None,
    ) -> None:
        self.column = column
        super().__init__(name, fields, options=options, bases=bases, managers=managers)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, list(args), {**kwargs, "column": self.column}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        _refuse_unfit_model(model, self.column)
        with _partitioned(schema_editor, model, self.column):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def reduce(self, operation: Operation, app_label: str) -> bool | list[Operation]:
        # CreateModel folds later operations into a new, plain CreateModel: the partitioning would be lost.
        if isinstance(operation, DeleteModel) and operation.name_lower == self.name_lower:
            return []
        return super(CreateModel, self).reduce(operation, app_label)

    def describe(self) -> str:
        return f"Create model {self.name}, partitioned by month on {self.column}"


def _refuse_unfit_model(model: type[models.Model], column: str) -> None:
    _field(model, column)
    unique: list[Sequence[str]] = [
        (each.name,) for each in model._meta.local_fields if each.unique and not each.primary_key
    ]
    unique += model._meta.unique_together
    unique += [each.fields for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    if any(column not in names for names in unique):
        raise PartitionError(f"Every unique constraint of {model.__name__} must hold {column}: PostgreSQL requires it.")
    if model._meta.db_tablespace:
        raise PartitionError(f"{model.__name__} is partitioned: a table space belongs to its partitions.")


def _field(model: type[models.Model], column: str) -> "models.DateTimeField[Any, Any]":
    field = model._meta.get_field(column)
    if not isinstance(field, models.DateTimeField) or field.null:
        raise PartitionError(f"{model.__name__} can only be partitioned on a DateTimeField that is never null.")
    return field


@contextmanager
def _partitioned(schema_editor: Any, model: type[models.Model], column: str) -> Iterator[None]:
    """While inside, the schema editor's CREATE TABLE for this model is one of a partitioned table."""
    original = schema_editor.table_sql

    def table_sql(which: type[models.Model]) -> tuple[str, list[Any]]:
        sql, params = original(which)
        if which is not model:
            return sql, params
        quote = schema_editor.quote_name
        key = quote(model._meta.pk.column)
        plain, marked = sql.replace(" PRIMARY KEY", "", 1), sql.count(" PRIMARY KEY")
        if marked != 1 or not plain.endswith(")"):
            raise PartitionError(f"The table of {model.__name__} is not of the form that can be partitioned.")
        by = quote(_field(model, column).column)
        return f"{plain[:-1]}, PRIMARY KEY ({key}, {by})) PARTITION BY RANGE ({by})", params

    schema_editor.table_sql = table_sql
    try:
        yield
    finally:
        schema_editor.table_sql = original
