"""SQL that is put together once a process and planned once a connection.

Django puts a query together anew each time, and PostgreSQL plans it anew. For the small statements that the work on
every request consists of, both take longer than the statement itself, so those that never differ but in their values
are kept here. Use it for what runs thousands of times an hour; everything else is clearer as a queryset.

What could go wrong: a value stays in the text and answers for somebody else (values come in through parameters only:
`Slot` marks their places); a lock is asked for outside a transaction and holds nothing (refused); a pooler hands a
prepared statement to another connection (DISABLE_SERVER_SIDE_CURSORS, which it needs anyway, ends preparing); a
migration changes a column's type while workers run, and each connection fails by the plans that it has kept (they are
forgotten, and it is asked again; a transaction fails, but its rollback forgets them too, and the task comes again).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

from crasme.kit.cards import CardFree

# "cached plan must not change result type", and a statement that a pooler or DISCARD ALL has taken away.
_OUTDATED = (psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidSqlStatementName)
Rows = Sequence[Sequence[Any]]
# Statements that a connection keeps planned. What the work on requests asks is some 120; of more than psycopg's own 100
# it would forget one with every other question. Each takes PostgreSQL some 50 kB a connection.
PREPARED = 300
Converters = Mapping[int, tuple[Any, Any]]  # as Django's compilers make them


@contextmanager
def executed(sql: str, values: Sequence[Any], using: str = DEFAULT_DB_ALIAS) -> Iterator[psycopg.Cursor[Any]]:
    """Run a statement that is worth preparing; its cursor, with the errors of django.db."""
    connection = connections[using]
    connection.close_if_health_check_failed()  # as Django's own cursors do: the first question may be asked here
    with _run(connection, sql, values) as cursor:
        yield cursor


def twice_is_once(sql: str, values: Sequence[Any], using: str = DEFAULT_DB_ALIAS) -> tuple[int, Rows]:
    """Run a statement that leaves the same behind when it runs twice; how many rows it touched, and those it returns.

    A connection that was kept is not asked first whether it still lives, which takes a way of its own: when it turns
    out to be dead, the statement is run once more on a new one. Within a transaction it is as `executed`.
    """
    connection = connections[using]
    if not (connection.in_atomic_block or connection.connection is None):
        try:
            with _run(connection, sql, values) as cursor:
                connection.health_check_done = True  # type: ignore[attr-defined]  # it lives, for what follows
                return _result(cursor)
        except (OperationalError, InterfaceError):
            if connection.is_usable():
                raise
            connection.close()
    with executed(sql, values, using) as cursor:
        return _result(cursor)


def _result(cursor: "psycopg.Cursor[Any]") -> tuple[int, Rows]:
    # Not `description`, which looks up the type of every column to say whether there are any.
    return cursor.rowcount, cursor.fetchall() if cursor.pgresult is not None and cursor.pgresult.nfields else []


@contextmanager
def _run(connection: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> Iterator[psycopg.Cursor[Any]]:
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    prepare = not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False)
    connection.connection.prepared_max = PREPARED
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        try:
            cursor.execute(sql, values, prepare=prepare)
        except _OUTDATED:
            if connection.in_atomic_block:
                raise
            cursor.execute("DEALLOCATE ALL")  # psycopg forgets them as well
            cursor.execute(sql, values, prepare=prepare)
        yield cursor


class Slot(Expression):
    """The place of the value with this number among those that a `Fetch` is asked by."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return "%s", [self]


class Fetch[M: models.Model]:
    """Rows of one model by values of some of its columns.

    `Fetch(lambda: Step.objects.select_related("request"), "pk")` makes a function: `find(pk)` gives a list of rows,
    the first `most` of them.
    """

    def __init__(self, rows: Callable[[], "models.QuerySet[M]"], *by: str, most: int | None = None) -> None:
        self._rows, self._by, self._most = rows, by, most
        self._compiled: _Compiled | None = None

    def __call__(self, *values: Any) -> list[M]:
        if self._compiled is None:
            self._compiled = _Compiled(self._rows(), self._by, self._most)
        return self._compiled.run(values)

    def one(self, *values: Any) -> M | None:
        """The first row, or None."""
        return next(iter(self(*values)), None)


class _Compiled:
    def __init__(self, rows: "models.QuerySet[Any]", by: Sequence[str], most: int | None = None) -> None:
        queryset = rows.filter(**{name: Slot(number) for number, name in enumerate(by)})[:most]
        self.using, self.locks = queryset.db, queryset.query.select_for_update
        compiler = queryset.query.get_compiler(using=self.using)
        self.sql, self.values = compiler.as_sql()
        self.fields = [field_at(rows.model, path) for path in by]
        self.converters = compiler.get_converters([each[0] for each in compiler.select[: compiler.col_count]])
        info = compiler.klass_info
        self.model, columns = info["model"], info["select_fields"]
        self.own = slice(columns[0], columns[-1] + 1)
        targets = [column[0].target for column in compiler.select[self.own]]
        self.names, self.columns = [each.attname for each in targets], [each.column for each in targets]
        self.related = get_related_populators(info, compiler.select, self.using)  # type: ignore[call-arg]

    def run(self, given: Sequence[Any]) -> list[Any]:
        connection = connections[self.using]
        if self.locks and not connection.in_atomic_block:
            raise TransactionManagementError("A row lock outside a transaction ends with its own statement.")
        values = [
            self.fields[value.number].get_db_prep_value(given[value.number], connection)
            if isinstance(value, Slot)
            else value
            for value in self.values
        ]
        with executed(self.sql, values, self.using) as cursor:
            return self.instances(cursor.fetchall())

    def instances(self, rows: Rows) -> list[Any]:
        return [self._instance(row) for row in converted(rows, self.converters, connections[self.using])]

    def _instance(self, row: Sequence[Any]) -> Any:
        made = self.model.from_db(self.using, self.names, row[self.own])
        for populator in self.related:
            populator.populate(row, made)
        return made


def converted(rows: Rows, converters: Converters, connection: BaseDatabaseWrapper) -> Iterable[Sequence[Any]]:
    """The rows with each column as its field reads it: decrypted, parsed."""
    if not converters:
        return rows
    return [_converted(list(row), converters, connection) for row in rows]


def _converted(row: list[Any], converters: Converters, connection: BaseDatabaseWrapper) -> list[Any]:
    for place, (steps, expression) in converters.items():
        value = row[place]
        for step in steps:
            value = step(value, expression, connection)
        row[place] = value
    return row


def changed[M: models.Model](model: type[M], sql: str, values: Sequence[Any], using: str) -> list[M]:
    """Run an UPDATE of this model's table; the rows as they are then. `sql` ends before RETURNING."""
    whole, columns = whole_of(model, using)
    with executed(f"{sql} RETURNING {columns}", values, using) as cursor:
        return whole.instances(cursor.fetchall())


@cache
def whole_of(model: type[models.Model], using: str) -> "tuple[_Compiled, str]":
    """How rows of a table are read (`instances`), and the columns that this takes."""
    whole = _Compiled(model._base_manager.using(using).order_by(), ())
    quote = connections[using].ops.quote_name
    return whole, ", ".join(map(quote, whole.columns))


def field_at(model: type[models.Model], path: str) -> Any:
    """The column at the end of a path; a foreign key's is that of the key it holds."""
    current: Any = model
    found: Any = None
    for name in path.split("__"):
        found = current._meta.pk if name == "pk" else current._meta.get_field(name)
        current = found.related_model
    while found.remote_field is not None and hasattr(found, "target_field"):
        found = found.target_field
    return found


def insert(row: models.Model, *, unless_there: bool = False) -> bool:
    """INSERT of one instance, without signals and without `save`; False when `unless_there` found it there already."""
    if isinstance(row, CardFree):
        row.refuse_cards()
    using = row._state.db or DEFAULT_DB_ALIAS
    connection = connections[using]
    fields, sql = _insert(type(row), connection.ops.quote_name)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with executed(sql + (" ON CONFLICT DO NOTHING" if unless_there else ""), values, using) as cursor:
        stored = bool(cursor.rowcount)
    if stored:
        row._state.adding, row._state.db = False, using
    return stored


_inserts: dict[type[models.Model], tuple[list[Any], str]] = {}


def _insert(model: type[models.Model], quote: Callable[[str], str]) -> tuple[list[Any], str]:
    if model not in _inserts:
        fields: list[Any] = [field for field in model._meta.local_concrete_fields if not field.generated]
        columns, places = ", ".join(quote(field.column) for field in fields), ", ".join(["%s"] * len(fields))
        _inserts[model] = fields, f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608
    return _inserts[model]


def update(row: models.Model, *names: str) -> None:
    """UPDATE of one instance's named fields, without signals and without `save`."""
    if isinstance(row, CardFree):
        row.refuse_cards(names)
    using = row._state.db or DEFAULT_DB_ALIAS
    connection = connections[using]
    quote = connection.ops.quote_name
    fields: list[Any] = [row._meta.get_field(name) for name in names]
    table, key = quote(row._meta.db_table), quote(str(row._meta.pk.column))
    values = [field.get_db_prep_save(field.pre_save(row, add=False), connection) for field in fields]
    changes = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    with executed(f"UPDATE {table} SET {changes} WHERE {key} = %s", [*values, row.pk], using):  # noqa: S608
        pass
