"""Looking for somebody's row by what is known of it: the attack of whoever knows a person, or keeps a former copy.

Somebody knows what a row said, exactly or roughly, and takes the row of the result that is nearest. That names the
right person in some share of cases; by the columns that others may know alone it is no more than a guess within the
class, by all that stays it can be every time, though no class is small: an exact amount or instant that was called
sensitive, or three columns that are harmless one by one.

Distance: numbers and dates by how far apart they are, in standard deviations (two of them are as far as it gets);
everything else equal or not. Who looks knows the rule as well, so a known value counts as near as itself or as what the
rule makes of it, whichever is nearer. Roughly known: each number and date is off by up to a tenth of a deviation.
Whoever has several rows at the least distance picks one of them; a row of the same person is right.

Bounds: TRIED originals, the same ones each time (their keys' hashes come first), against POOL different rows of the
result at most, theirs among them: a result of more is a harder search than the one that is tried. Apart from that it
reads the rows once, by columns; nothing is kept in Python but the shares.

What could go wrong: originals that are gone already (rows that the rule has still to change are tried, as long as there
are any), NULL that is equal to nothing (it is a value), or rows of one person that pass for others'.
Source: Domingo-Ferrer, Torra: Disclosure risk assessment via record linkage, 2003 (distance-based record linkage).
"""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, models
from django.db.models import Case, F, FloatField, Func, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Coalesce

from retention.anonymity.classes import account_of
from retention.fields import COARSER, Change

TRIED: Final = 200
POOL: Final = 10_000
OFF: Final = 0.1  # standard deviations
FARTHEST: Final = 2.0  # standard deviations; beyond it nothing is farther

_NUMBERS = (models.IntegerField, models.FloatField, models.DecimalField)
_TIMES = (models.DateField, models.TimeField, models.DurationField)  # a DateTimeField is a DateField

# Materialized, for what stands in a LATERAL would be computed anew for each of the originals, and the image, for which
# all rows are read, for each attempt. A class is known by `c0`, `c1` …, the digest of all that its rows will say in the
# columns of an attempt: joined by one narrow value, and counted once whoever has half of the rows.
_SEARCH = """
WITH image AS MATERIALIZED ({image}),
scale AS MATERIALIZED (SELECT {scales} FROM image),
targets AS MATERIALIZED (
    SELECT * FROM image WHERE may OR NOT (SELECT bool_or(may) FROM image)
    ORDER BY hashed, key LIMIT {tried}
),
{parts}
SELECT (SELECT count(*) FROM targets), (SELECT coalesce(bool_or(may), false) FROM targets), {shares}
"""
# Once for each set of columns that make classes.
_CLASSES = """pool{k} AS MATERIALIZED (
    SELECT {pooled}, count(*) AS n FROM image GROUP BY c{k}
    ORDER BY bool_or(key IN (SELECT key FROM targets)) DESC, min(hashed) LIMIT {pool}
),
own{k} AS MATERIALIZED (
    SELECT who, c{k}, count(*) AS n FROM image
    WHERE who IN (SELECT who FROM targets) AND c{k} IN (SELECT c{k} FROM pool{k}) GROUP BY who, c{k}
)"""
# Once for each attempt.
_SHARE = """share{j} AS (
    SELECT t.key, sum(coalesce(own.n, 0)) / sum(near.n) AS share
    FROM targets t CROSS JOIN scale
    CROSS JOIN LATERAL (
        SELECT pool.c{k}, pool.n FROM pool{k} pool ORDER BY {distance} FETCH FIRST 1 ROW WITH TIES
    ) near
    LEFT JOIN own{k} own ON own.who = t.who AND own.c{k} = near.c{k}
    GROUP BY t.key
)"""


@dataclass(frozen=True, slots=True)
class Column:
    """What is known of a column and what the result says in it."""

    field: Any
    change: Change | None
    after: Any  # an expression: what will stand there

    @property
    def group(self) -> Any:
        """What the rule makes of a known value."""
        return self.change.expression if self.change is not None else F(self.field.name)

    @property
    def measured(self) -> bool:
        """Whether values of it are more or less far apart."""
        return not self.field.is_relation and isinstance(self.field, _NUMBERS + _TIMES)


@dataclass(frozen=True, slots=True)
class Share:
    """How often the nearest row is the right person's, 0 to 1, of `tried` rows; `originals` when these still say what
    they said before the rule."""

    right: float = 0.0
    tried: int = 0
    originals: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody knows: the columns of these places, exactly or roughly."""

    places: tuple[int, ...]
    roughly: bool = False


def share(rows: QuerySet[Any], columns: list[Column], pending: Q, *, roughly: bool = False) -> Share:
    """The attack by what is known of these columns. Reads only."""
    return shares(rows, columns, pending, [Attempt(tuple(range(len(columns))), roughly)])[0]


def shares(rows: QuerySet[Any], columns: list[Column], pending: Q, attempts: list[Attempt]) -> list[Share]:
    """Several attacks on the same rows, which are read once for all of them. Reads only."""
    sets = list(dict.fromkeys(attempt.places for attempt in attempts))
    image, parameters = _image(rows, columns, pending, sets)
    measured = [number for number in range(len(columns)) if columns[number].measured]
    parts = []
    for k, places in enumerate(sets):
        pooled = (f"min({'xy'[columns[n].change is not None]}{n}) AS y{n}" for n in places)
        parts.append(_CLASSES.format(k=k, pooled=", ".join([f"c{k}", *pooled]), pool=POOL))
    for j, attempt in enumerate(attempts):
        away = (_distance(n, columns[n], roughly=attempt.roughly) for n in attempt.places)
        parts.append(_SHARE.format(j=j, k=sets.index(attempt.places), distance=" + ".join(["0", *away])))
    statement = _SEARCH.format(
        image=image,
        scales=", ".join(["0 AS none", *(f"coalesce(nullif(stddev_pop(x{n}), 0), 1) AS s{n}" for n in measured)]),
        tried=TRIED,
        parts=",\n".join(parts),
        shares=", ".join(f"(SELECT coalesce(avg(share), 0)::float8 FROM share{j})" for j in range(len(attempts))),  # noqa: S608
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        tried, originals, *right = cursor.fetchone()
    return [Share(round(float(each), 6), int(tried), bool(originals)) for each in right]


def _image(
    rows: QuerySet[Any], columns: list[Column], pending: Q, sets: list[tuple[int, ...]]
) -> tuple[str, tuple[Any, ...]]:
    """SQL of the rows as somebody may know them (`x`, what the rule makes of it `g`) and as the result says them (`y`),
    with the class in which each is by each set of columns."""
    image: dict[str, Any] = {
        "key": Cast("pk", TextField()),
        "who": _who(rows.model),
        "may": Case(When(pending, then=Value(True)), default=Value(False)),
    }
    for number, column in enumerate(columns):
        kind = _number if column.measured else _text
        image |= {f"a{number}": Cast(column.after, TextField()), f"x{number}": kind(F(column.field.name), column)}
        if column.change is not None:  # otherwise all three are the same
            image |= {f"g{number}": kind(column.group, column), f"y{number}": kind(column.after, column)}
    sql, parameters = rows.order_by().annotate(**{f"i_{name}": each for name, each in image.items()}).values(
        *(f"i_{name}" for name in image)
    ).query.sql_with_params()  # fmt: skip
    quote = connection.ops.quote_name
    chosen = [f"{quote(f'i_{name}')} AS {name}" for name in image if not name.startswith("a")]
    chosen.append(f"hashtextextended({quote('i_key')}, 0) AS hashed")
    for k, places in enumerate(sets):
        # Where nothing stays every row is of one class.
        row = ", ".join(["0", *(quote(f"i_a{number}") for number in places)])
        chosen.append(f"md5(ROW({row})::text)::uuid AS c{k}")
    return f"SELECT {', '.join(chosen)} FROM ({sql}) AS rows_as_they_are", parameters  # noqa: S608


def _who(model: type[models.Model]) -> Any:
    """Whose row it is; one that names nobody is its own."""
    path, key = account_of(model), Cast("pk", TextField())
    return key if path is None else Coalesce(Cast(path, TextField()), key)


def _text(value: Any, _column: Column) -> Any:
    return Cast(value, TextField())


def _number(value: Any, column: Column) -> Any:
    typed = Cast(value, column.field)
    if isinstance(column.field, _TIMES):
        return Func(typed, template="extract(epoch FROM %(expressions)s)::float8", output_field=FloatField())
    return Cast(typed, FloatField())


def _distance(number: int, column: Column, *, roughly: bool) -> str:
    """SQL for how far a known row `t` is from one of the `pool` in a column, 0 to 1."""
    known = f"t.x{number}"
    x, g, y = known, f"t.g{number}" if column.change is not None else known, f"pool.y{number}"
    if roughly and column.measured:
        # The same for a row each time, and another for each column.
        x = f"({known} + {OFF} * scale.s{number} * (hashtextextended(t.key || '/{number}', 0) %% 1001) / 1000.0)"
        g = _regrouped(column.change, x) or (g if column.change is not None else x)
    if not column.measured:
        return f"(CASE WHEN {y} IS NOT DISTINCT FROM {x} OR {y} IS NOT DISTINCT FROM {g} THEN 0 ELSE 1 END)"
    return (
        f"(CASE WHEN {y} IS NULL OR {x} IS NULL"
        f" THEN ({y} IS DISTINCT FROM {x} AND {y} IS DISTINCT FROM {g})::int"
        f" ELSE least(1, least(abs({x} - {y}), abs({g} - {y})) / ({FARTHEST} * scale.s{number})) END)"
    )


def _regrouped(change: Change | None, x: str) -> str | None:
    if change is None or change.how not in COARSER:
        return None
    return f"extract(epoch FROM date_trunc('{change.how}', to_timestamp({x}), 'UTC'))::float8"
