"""Searching everything that is stored for what must be gone: the proof after an erasure.

What could go wrong: a search that trusts the same list as the erasure finds exactly what the erasure remembered. So it
reads the database's own catalogue: every text and JSON column of every table in the schema, whether a model of ours,
of somebody else's app, or no model at all. Encrypted columns and sessions are opened and looked into.

What it cannot see: values that are stored only as a hash, dead rows and old WAL inside the server, files
(those in encrypted columns too), and backups.

It reads all of it once, for however many people: many erasures are proven together (`search_many`).
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from django.db import models

from crasme.kit import datamap
from crasme.kit.datamap import Erase, Table
from retention import graph
from retention.residue import columns, opaque
from retention.residue.needles import SHORTEST, Needles

__all__ = ["SHORTEST", "Hit", "search", "search_many"]


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
    return search_many({None: identifiers}, kept=kept)[None]


def search_many[K: Hashable](
    wanted: Mapping[K, Iterable[str]], *, kept: bool = False, unless: Callable[[str], bool] = lambda label: False
) -> dict[K, list[Hit]]:
    """The same for many people at once, each by a key of the caller's; every key is in the answer.

    Tables whose label (or name, where no model is known) `unless` says are left out.
    """
    needles = Needles.of(wanted)
    found: dict[K, dict[Hit, None]] = {key: {} for key in wanted}
    if needles.shortest:
        for key, hit in (*_in_columns(needles, unless), *_in_opaque(needles, unless)):
            if kept or not hit.reason:
                found[key][hit] = None
    return {key: list(hits) for key, hits in found.items()}


def _in_columns[K: Hashable](needles: Needles[K], unless: Callable[[str], bool]) -> Iterable[tuple[K, Hit]]:
    known = {model._meta.db_table: model for model in graph.stored_models()}
    for table in columns.readable(shortest=needles.shortest):
        model = known.get(table.name)
        if not unless(model._meta.label if model else table.name):
            for pk, column, key in columns.search(table, needles):
                yield key, _hit(model, table.name, column, pk)


def _in_opaque[K: Hashable](needles: Needles[K], unless: Callable[[str], bool]) -> Iterable[tuple[K, Hit]]:
    for model, name, texts in opaque.columns():
        if not unless(model._meta.label):
            for pk, text in texts():
                for key in needles.whose(text):
                    yield key, Hit(model._meta.label, name, str(pk), _kept_because(model, name))


def _hit(model: type[models.Model] | None, table: str, column: str, pk: str) -> Hit:
    if model is None:
        return Hit(table, column, pk)
    name = next((field.name for field in model._meta.concrete_fields if field.column == column), column)
    return Hit(model._meta.label, name, pk, _kept_because(model, name))


def _kept_because(model: type[models.Model], name: str) -> str:
    declared = datamap.covers(model._meta.label)
    field = declared.fields.get(name) if isinstance(declared, Table) else None
    return field.reason if field is not None and field.erase is Erase.KEEP else ""
