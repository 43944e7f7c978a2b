"""Searching everything that is stored for what must be gone: the proof after an erasure.

What could go wrong: a search that trusts the same list as the erasure finds exactly what the erasure remembered. So it
reads the database's own catalogue: every text and JSON column of every table in the schema, whether a model of ours,
of somebody else's app, or no model at all. Encrypted columns and sessions are opened and looked into.

What it cannot see: values that are stored only as a hash, dead rows and old WAL inside the server, files
(those in encrypted columns too), and backups.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.utils.module_loading import import_string

from crasme.kit import datamap
from crasme.kit.datamap import Erase, Table
from crasme.kit.fields import EncryptedTextField
from retention import graph
from retention.errors import TooShortToSearch

SHORTEST = 4

# Everything that can hold readable text; partitions are searched through their parent.
_COLUMNS = """
SELECT c.relname, a.attname, coalesce(array_agg(k.attname::text) FILTER (WHERE k.attname IS NOT NULL), '{}')
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type element ON element.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)
WHERE c.relnamespace = current_schema()::regnamespace
  AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
  AND (coalesce(element.typcategory, t.typcategory) = 'S'
       OR coalesce(element.typname, t.typname) IN ('json', 'jsonb', 'xml', 'hstore'))
GROUP BY c.relname, a.attname, a.attnum
ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where an identifier was found. `label` is the model's, or the table's name where no model is known; `reason` says
    why the data map keeps it there, and is empty for what should be gone."""

    label: str
    field: str
    pk: str
    reason: str = ""


def search(identifiers: Iterable[str], *, kept: bool = False) -> list[Hit]:
    """Every place that holds one of the identifiers (addresses, names, numbers), in any spelling of case.

    What the data map keeps for a legal reason is left out, or marked with that reason when `kept` is set.
    TooShortToSearch for fewer than 4 characters: that would be found everywhere.
    """
    needles = sorted({identifier.strip() for identifier in identifiers if identifier.strip()})
    if short := [needle for needle in needles if len(needle) < SHORTEST]:
        raise TooShortToSearch(f"{len(short)} of the identifiers have fewer than {SHORTEST} characters.")
    if not needles:
        return []
    known = {model._meta.db_table: model for model in graph.stored_models()}
    found = [*_in_columns(needles, known), *_in_opaque(needles)]
    return [hit for hit in found if kept or not hit.reason]


def _in_columns(needles: Sequence[str], known: dict[str, type[models.Model]]) -> Iterator[Hit]:
    patterns = _patterns(needles)
    quote = connection.ops.quote_name
    for table, (key, columns) in _readable().items():
        # One scan a table: rows in which any column matches, and for each column whether it is the one.
        matches = [f"{quote(column)}::text ILIKE ANY (%s)" for column in columns]
        identity = " || ' ' || ".join(f"{quote(part)}::text" for part in key) or "ctid::text"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {identity}, {', '.join(f'coalesce({match}, false)' for match in matches)}"  # noqa: S608
                f" FROM {quote(table)} WHERE {' OR '.join(matches)}",
                [patterns] * (2 * len(matches)),
            )
            for pk, *which in cursor.fetchall():
                for column, matched in zip(columns, which, strict=True):
                    if matched:
                        yield _hit(known.get(table), table, column, pk.split(" ")[0])


def _readable() -> dict[str, tuple[list[str], list[str]]]:
    """Table → its key's columns and its readable columns."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for table, column, key in cursor.fetchall():
            found.setdefault(table, (key, []))[1].append(column)
    return found


def _patterns(needles: Iterable[str]) -> list[str]:
    """LIKE patterns; each needle also as it is spelled inside JSON, where quotes and backslashes are escaped."""
    escaped = (each.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for each in _spellings(needles))
    return [f"%{each}%" for each in sorted(escaped)]


def _spellings(needles: Iterable[str]) -> set[str]:
    return {spelling for needle in needles for spelling in (needle, json.dumps(needle, ensure_ascii=False)[1:-1])}


def _hit(model: type[models.Model] | None, table: str, column: str, pk: str) -> Hit:
    if model is None:
        return Hit(table, column, pk)
    name = next((field.name for field in model._meta.concrete_fields if field.column == column), column)
    return Hit(model._meta.label, name, pk, _kept_because(model, name))


def _kept_because(model: type[models.Model], name: str) -> str:
    declared = datamap.covers(model._meta.label)
    field = declared.fields.get(name) if isinstance(declared, Table) else None
    return field.reason if field is not None and field.erase is Erase.KEEP else ""


def _in_opaque(needles: Sequence[str]) -> Iterator[Hit]:
    """Columns whose text means nothing to the database: each row is opened here."""
    folded = [spelling.casefold() for spelling in _spellings(needles)]
    for model, name, opened in _opaque():
        for pk, text in opened():
            if any(needle in text.casefold() for needle in folded):
                yield Hit(model._meta.label, name, str(pk), _kept_because(model, name))


def _opaque() -> Iterator[tuple[type[models.Model], str, Callable[[], Iterator[tuple[Any, str]]]]]:
    yield _session_store().get_model_class(), "session_data", _sessions
    for model in graph.stored_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.name, _encrypted(model, field.name)


def _encrypted(model: type[models.Model], name: str) -> Callable[[], Iterator[tuple[Any, str]]]:
    rows = model._base_manager.exclude(**{f"{name}__isnull": True}).order_by().values_list("pk", name)
    return lambda: rows.iterator(chunk_size=1_000)


def _sessions() -> Iterator[tuple[Any, str]]:
    for session in _session_store().get_model_class()._base_manager.iterator(chunk_size=1_000):
        yield session.pk, json.dumps(session.get_decoded(), default=str, ensure_ascii=False)


def _session_store() -> Any:
    return import_string(f"{settings.SESSION_ENGINE}.SessionStore")
