"""What the files of a portable copy hold, for other software: a JSON Schema a file, and one dictionary of all fields.

What could go wrong: a description that the files do not keep to. The types are derived from the same columns as the
rows (privacy.packages.rows), and a test reads real files by their schemas.
"""

import io
import json
import zipfile
from typing import Any

from django.db import models

from crasme.kit.datamap import Table
from crasme.kit.sheets import csv_writer
from privacy.packages.content import Described
from privacy.packages.rows import columns

DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEAD = ("file", "field", "type", "format", "meaning", "values")
# In the order in which they are asked: the more exact kind first.
_TYPES: tuple[tuple[type[models.Field], dict[str, Any]], ...] = (
    (models.UUIDField, {"type": "string", "format": "uuid"}),
    (models.DateTimeField, {"type": "string", "format": "date-time"}),
    (models.DateField, {"type": "string", "format": "date"}),
    (models.TimeField, {"type": "string", "format": "time"}),
    (models.DurationField, {"type": "number"}),
    # As text, so that no digit is lost.
    (models.DecimalField, {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
    (models.BooleanField, {"type": "boolean"}),
    (models.IntegerField, {"type": "integer"}),
    (models.FloatField, {"type": "number"}),
    (models.JSONField, {}),
)


def path_of(described: Described) -> str:
    return f"schema/{described.stem}.schema.json"


def write(archive: zipfile.ZipFile, table: Table, described: Described) -> None:
    """The schema of one table's JSON file."""
    archive.writestr(path_of(described), json.dumps(schema_of(table, described), ensure_ascii=False, indent=1))


def schema_of(table: Table, described: Described) -> dict[str, Any]:
    """Of an array of rows; every field is there in every row."""
    fields = {name: _described(table, described, name) for name in columns(table)}
    return {
        "$schema": DIALECT,
        "title": described.title,
        "description": described.source,
        "type": "array",
        "items": {
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        },
    }


def dictionary(tables: list[tuple[Table, Described]]) -> str:
    """Every field of every file in one CSV: what it is, of which type, and what its codes mean."""
    text = io.StringIO()
    writer = csv_writer(text)
    writer.writerow(HEAD)
    for table, described in tables:
        for name in columns(table):
            typed = _type(_column(table, name))
            values = "; ".join(f"{code} = {words}" for code, words in _codes(_column(table, name)))
            kind = typed.get("type", "any")
            writer.writerow(
                (f"data/{described.stem}.json", name, kind, typed.get("format", ""), _meaning(described, name), values)
            )
    return text.getvalue()


def _described(table: Table, described: Described, name: str) -> dict[str, Any]:
    column = _column(table, name)
    found = _type(column)
    if column.null and "type" in found:
        found["type"] = [found["type"], "null"]
    return found | {"description": _meaning(described, name)}


def _type(column: Any) -> dict[str, Any]:
    """The JSON that a column's values become. A key of another row is of that row's type."""
    while column.is_relation:
        column = column.target_field
    column = getattr(column, "output_field", column) if isinstance(column, models.GeneratedField) else column
    return dict(next((found for kind, found in _TYPES if isinstance(column, kind)), {"type": "string"}))


def _codes(column: Any) -> list[tuple[str, str]]:
    return [(str(code), str(words)) for code, words in column.flatchoices if code != ""]


def _meaning(described: Described, name: str) -> str:
    return described.fields.get(name, "")


def _column(table: Table, name: str) -> Any:
    return table.model._meta.get_field(name)
