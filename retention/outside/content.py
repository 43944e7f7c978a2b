"""What an entry says of an erasure: whom and what by keys alone, never by an address."""

from collections.abc import Collection, Iterable
from typing import Any

from crasme.kit import datamap
from crasme.kit.datamap import Subject


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
    address, others = Subject({"email": subject.values["email"]}), _keys(subject)
    found: dict[str, list[str]] = {}
    for table in datamap.found_by(["email"]):
        if table.model not in touched:
            continue
        keys = {key for view in (table, *table.mentioned()) for key in view.rows(address).values_list("pk", flat=True)}
        if keys:
            keys -= set(table.rows(others).filter(pk__in=keys).values_list("pk", flat=True))
        if keys:
            found[table.label.lower()] = sorted(str(key) for key in keys)
    return found


def _keys(subject: Subject) -> Subject:
    return Subject({kind: values for kind, values in subject.values.items() if kind != "email"})
