"""Statements about one person, put together once for all people: to count, read, change and delete.

A question about a person goes to dozens of tables, and putting that many querysets together takes far longer than
asking them. So they are made once for a stand-in, whose identifiers nobody has, and where those stand in the SQL the
identifiers of the person in question are put.

What could go wrong: a stand-in's identifier stays in and the question is about nobody, or none was in and the question
is about everybody (both are looked for, and such a recipe is refused: `Unfit`); a value is stored in another form than
it is given, hashed or folded (each place knows its fields, which bring it into that form); the tables have changed
meanwhile (a recipe is made for one data map and one key).

A field that stores equal values in several forms, as a hash under an old and a new key, has `stored_forms(value)`, and
its lookups ask for all of them by one array.
"""

import re
import secrets
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
from django.db.models.sql import DeleteQuery, UpdateQuery
from psycopg import sql as literals

from crasme.kit import datamap
from crasme.kit.datamap import Subject
from crasme.kit.statements import Converters, Rows, converted, executed, field_at

Shape = tuple[tuple[str, int], ...]
NOW, TODAY = "now", "today"
_LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
_PLACEHOLDER = re.compile(r"%%|%s")


class Unfit(Exception):
    """This question cannot be put together once for all; ask it by querysets."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: which of the person's identifiers, in the form in which `fields` store it; or the moment or
    its UTC day.
    """

    kind: str
    number: int = 0
    fields: tuple[Any, ...] = ()

    def value(self, subject: Subject, now: datetime | None) -> Any:
        if self.kind in (NOW, TODAY):
            return now if now is None or self.kind == NOW else now.astimezone(UTC).date()
        given = sorted(subject.values[self.kind], key=str)[self.number]
        stored = {_stored(field, given) for field in self.fields}
        if len(stored) != 1:
            raise Unfit(f"A {self.kind} of this form is stored in several forms.")
        value = stored.pop()
        return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and what goes into it: the numbers of `places` in order of appearance. All other values are spelled out."""

    sql: str
    places: tuple[Place, ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, sql: str, places: Sequence[Place]) -> "Statement":
        numbers = {place: number for number, place in enumerate(dict.fromkeys(places))}
        return cls(sql, tuple(numbers), tuple(numbers[place] for place in places))

    def rows(self, subject: Subject) -> Rows:
        with executed(self.sql, self._values(subject)) as cursor:
            found: Rows = cursor.fetchall()
            return found

    def change(self, subject: Subject, now: datetime) -> int:
        """Run an UPDATE or DELETE; the number of rows."""
        with executed(self.sql, self._values(subject, now)) as cursor:
            return max(cursor.rowcount, 0)

    def _values(self, subject: Subject, now: datetime | None = None) -> list[Any]:
        known = [place.value(subject, now) for place in self.places]
        return [known[number] for number in self.order]


@dataclass(frozen=True, slots=True)
class Reading:
    """A SELECT whose columns are read as their fields do."""

    statement: Statement
    converters: Converters

    def rows(self, subject: Subject) -> Iterable[Sequence[Any]]:
        return converted(self.statement.rows(subject), self.converters, connections[DEFAULT_DB_ALIAS])


def recipe[T](key: Hashable, subject: Subject, make: Callable[["Maker"], T]) -> T:
    """What `make` puts together for people known by as many identifiers of each kind; made once a process.

    `key` names all else that it depends on. Unfit when it cannot be made, and again at every later call.
    """
    global _map, _made
    if (current := datamap.declarations()) is not _map:
        _map, _made = current, {}
    whole = (key, tuple(sorted((kind, len(values)) for kind, values in subject.values.items())))
    if whole not in _made:
        try:
            _made[whole] = make(Maker(subject))
        except Unfit as error:
            _made[whole] = error
    if isinstance(found := _made[whole], Unfit):
        raise found
    return found  # type: ignore[no-any-return]


_map: Mapping[str, Any] | None = None
_made: dict[Hashable, Any] = {}


def counts(key: Hashable, subject: Subject, rows: Callable[[Subject], Sequence[QuerySet[Any]]]) -> Sequence[int]:
    """How many rows each of the querysets has that `rows` makes for a subject. One statement for all of them."""
    try:
        return recipe(key, subject, lambda maker: maker.counts(rows(maker.subject))).rows(subject)[0]
    except Unfit:
        return [found.order_by().count() for found in rows(subject)]


class Maker:
    """Makes statements from querysets about `subject`, the stand-in, and about the instant `now`."""

    def __init__(self, example: Subject) -> None:
        self.subject = Subject({kind: frozenset(map(_stand_in, given)) for kind, given in example.values.items()})
        self.now = _LONG_AGO + timedelta(microseconds=secrets.randbelow(10**12))
        self._marks: dict[Any, Place] = {self.now: Place(NOW), self.now.date(): Place(TODAY)}
        for kind, values in self.subject.values.items():
            for number, value in enumerate(sorted(values, key=str)):
                for field in _fields_of(kind):
                    mark = _stored(field, value)
                    fields = self._marks[mark].fields if mark in self._marks else ()
                    if field not in fields:  # most of a kind lead to the same column
                        self._marks[mark] = Place(kind, number, (*fields, field))

    def counts(self, querysets: Iterable[QuerySet[Any]]) -> Statement:
        """One row with the number of rows of each."""
        pieces: list[tuple[str, Sequence[Any]]] = []
        for queryset in querysets:
            try:
                sql, values = _compiler(queryset.order_by().values("pk").query).as_sql()
            except EmptyResultSet:
                pieces.append(("0", ()))
                continue
            self._require_person(values)
            pieces.append((f"(SELECT count(*) FROM ({sql}) AS found)", values))  # noqa: S608
        if not pieces:
            raise Unfit("Nothing is asked.")
        columns = ", ".join(sql for sql, _values in pieces)
        return self._statement(f"SELECT {columns}", [value for _sql, values in pieces for value in values])

    def keys(self, querysets: Iterable[tuple[str, QuerySet[Any]]]) -> Statement:
        """A row for each row of the named querysets: the name, and the key as text."""
        pieces, values = [], []
        for name, queryset in querysets:
            try:
                sql, given = _compiler(queryset.order_by().values("pk").query).as_sql()
            except EmptyResultSet:
                continue
            self._require_person(given)
            pieces.append(f"SELECT %s, key::text FROM ({sql}) AS found (key)")  # noqa: S608
            values += [name, *given]
        if not pieces:
            raise Unfit("Nothing is asked.")
        return self._statement(" UNION ".join(pieces), values)

    def summary(self, queryset: QuerySet[Any], columns: str) -> Statement:
        """One row of aggregates over a `values_list` of one column, which `columns` calls "value"."""
        compiler = _compiler(queryset.order_by().query)
        inner = self._about_person(compiler)
        return replace(inner, sql=f"SELECT {columns} FROM ({inner.sql}) AS found (value)")  # noqa: S608

    def reading(self, queryset: QuerySet[Any]) -> Reading:
        """The rows of a `values_list`."""
        compiler = _compiler(queryset.query)
        statement = self._about_person(compiler)
        columns = compiler.select[: compiler.col_count]
        return Reading(statement, compiler.get_converters([column[0] for column in columns]))

    def deletion(self, queryset: QuerySet[Any]) -> Statement:
        query = queryset.order_by().query.chain(DeleteQuery)
        return self._about_person(_compiler(query))

    def update(self, queryset: QuerySet[Any], values: Mapping[str, Any]) -> Statement:
        query: Any = queryset.order_by().query.chain(UpdateQuery)
        query.add_update_values(values)
        return self._about_person(_compiler(query))

    def _about_person(self, compiler: Any) -> Statement:
        try:
            sql, values = compiler.as_sql()
        except EmptyResultSet:
            raise Unfit("No row can ever answer this question.") from None
        self._require_person(values)
        return self._statement(sql, values)

    def _require_person(self, values: Sequence[Any]) -> None:
        if not any((place := self._place(value)) is not None and place.fields for value in values):
            raise Unfit("A question about one person must name them.")

    def _statement(self, sql: str, values: Sequence[Any]) -> Statement:
        left = iter(values)
        places: list[Place] = []

        def filled(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%%"
            value = next(left)
            if (place := self._place(value)) is not None:
                places.append(place)
                return "%s"
            return self._spelled(value).replace("%", "%%")

        return Statement.of(_PLACEHOLDER.sub(filled, sql), places)

    def _place(self, value: Any) -> Place | None:
        mark = tuple(value) if isinstance(value, list) else value
        return self._marks.get(mark) if isinstance(mark, Hashable) else None

    def _spelled(self, value: Any) -> str:
        text = literals.Literal(value).as_string(connections[DEFAULT_DB_ALIAS].connection)
        if any(mark in text for mark in self._traces()):
            raise Unfit("A stand-in's identifier went into another value.")
        return text

    def _traces(self) -> Iterator[str]:
        for mark in self._marks:
            yield from map(str, mark if isinstance(mark, tuple) else (mark,))
            if isinstance(mark, UUID):
                yield mark.hex


def _stand_in(value: Any) -> Any:
    """A value of the same kind that nobody has."""
    if isinstance(value, UUID):
        return uuid4()
    if isinstance(value, int):
        return secrets.randbelow(2**30) + 2**30
    return secrets.token_hex(16) + ("@stand-in.invalid" if "@" in str(value) else "")


def _fields_of(kind: str) -> list[Any]:
    """The fields in which identifiers of this kind are stored, as the data map knows them."""
    return [
        field_at(table.model, paths[kind])
        for table in datamap.tables()
        for paths in (table.subject, table.mentions)
        if kind in paths
    ]


def _stored(field: Any, value: Any) -> Any:
    """As a lookup gives it to the database; a tuple where it is stored in several forms."""
    if (forms := getattr(field, "stored_forms", None)) is not None:
        return tuple(forms(value))
    prepared = field.get_prep_value(value)
    return field.get_db_prep_value(prepared, connections[DEFAULT_DB_ALIAS], prepared=True)


def _compiler(query: Any) -> Any:
    return query.get_compiler(using=DEFAULT_DB_ALIAS)
