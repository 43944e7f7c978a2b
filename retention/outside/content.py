"""What an entry says of an erasure: whom and what by keys alone, never by an address."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from crasme.kit import datamap
from crasme.kit.datamap import Subject, Table
from crasme.kit.recipes import Unfit, recipe


def named(subject: Subject) -> dict[str, list[str]]:
    """The subject by what outlives an erasure and names nobody."""
    return {kind: sorted(str(value) for value in values) for kind, values in _keys(subject).values.items()}


def parsed(plain: dict[str, list[str]]) -> Subject:
    return Subject.of(**plain)


def policy(lines: Iterable[tuple[str, str, Iterable[str]]]) -> dict[str, dict[str, list[str]]]:
    """Table → what was done to it → which fields: how the data map was at the time."""
    made: dict[str, dict[str, list[str]]] = {}
    for label, action, fields in lines:
        known = made.setdefault(label.lower(), {}).setdefault(action, [])
        known += [name for name in fields if name not in known]
    return made


def found_by_address(subject: Subject, touched: Collection[Any]) -> dict[str, list[str]]:
    """Keys of rows that only the address leads to, of the models in `touched`, by table: without the address nobody
    would find them again."""
    if not subject.values.get("email"):
        return {}
    asked = [table for table in datamap.found_by(["email"]) if table.model in touched]
    found: dict[str, set[str]] = {}
    for label, key in _by_address_alone(asked, subject) if asked else ():
        found.setdefault(label, set()).add(key)
    return {label: sorted(keys) for label, keys in found.items()}


def _by_address_alone(asked: Sequence[Table], subject: Subject) -> Iterable[Sequence[str]]:
    """Label and key of each such row; one statement for all tables."""
    key = ("by address alone", *(table.label for table in asked))
    try:
        return recipe(key, subject, lambda maker: maker.keys(_parts(asked, maker.subject))).rows(subject)
    except Unfit:
        parts = _parts(asked, subject)
        return [(label, str(pk)) for label, rows in parts for pk in rows.values_list("pk", flat=True)]


def _parts(asked: Sequence[Table], subject: Subject) -> Iterator[tuple[str, QuerySet[Any]]]:
    address, others = Subject({"email": subject.values["email"]}), _keys(subject)
    for table in asked:
        by_keys = table.rows(others).order_by().values("pk")
        for view in (table, *table.mentioned()):
            if "email" in view.subject:
                yield table.label.lower(), view.rows(address).exclude(pk__in=by_keys)


def _keys(subject: Subject) -> Subject:
    return Subject({kind: values for kind, values in subject.values.items() if kind != "email"})
