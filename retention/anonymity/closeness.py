"""t-closeness: whether being in a class tells something, though each class has several values of a sensitive column.

A class in which nine of ten are ill, in a table where one of ten is, has two values and tells nearly everything. So
each class's distribution is compared with that of all rows, by the total variation distance: half the sum of the
differences of all shares, which is the share of people in the class who would have to have another value.

What could go wrong: values that a class lacks are forgotten (their share in the table counts as difference), or NULL is
equal to nothing (it is a value here, as windows take it; a join by IS NOT DISTINCT would compare each cell with each
value, which takes hours where nearly every row has its own).
Source: Li, Li, Venkatasubramanian: t-Closeness, ICDE 2007 (equal ground distance).
"""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from retention.anonymity.classes import grouped
from retention.anonymity.decision import Decision

# A cell is a class and a value; `people` of it. One pass: shares in all rows, then each class against them.
_FARTHEST = """
WITH cells AS ({cells}),
sized AS (
    SELECT cells.*, sum(people) OVER (PARTITION BY {classes}) AS size,
        sum(people) OVER (PARTITION BY {value})::float8 / sum(people) OVER () AS share
    FROM cells
),
classes AS (
    SELECT sum(n) AS rows, (sum(abs(people::float8 / size - share)) + 1 - sum(share)) / 2 AS distance
    FROM sized GROUP BY {classes}
)
SELECT coalesce(max(distance), 0), coalesce(sum(rows) FILTER (WHERE distance > %s + 1e-9), 0) FROM classes
"""


def farthest(rows: QuerySet[Any], columns: dict[str, Any], decision: Decision, sensitive: str) -> tuple[float, int]:
    """How far the class least like all rows is from them in that column, 0 to 1, and how many rows are in classes that
    are farther than the decision allows. (0, 0) without columns that make classes."""
    if not decision.quasi:
        return 0.0, 0
    cells = grouped(rows, columns, (*decision.quasi, sensitive))
    sql, parameters = cells.query.sql_with_params()
    quote = connection.ops.quote_name
    classes = ", ".join(quote(f"by_{name}") for name in decision.quasi if name != sensitive)
    if not classes:
        return 0.0, 0
    statement = _FARTHEST.format(cells=sql, value=quote(f"by_{sensitive}"), classes=classes)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, decision.t])
        distance, number = cursor.fetchone()
    return float(distance), int(number)
