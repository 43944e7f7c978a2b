"""The data map is complete and agrees with itself, or nothing starts.

E001 a model nobody declared · E002 a field nobody declared · E003 a declared field or path that does not exist ·
E004 a reason missing (kept, anonymised, withheld, no end) · E005 exporter and eraser disagree · E006 a table that
mixes deleting the row with keeping parts of it · E007 a declaration that declares nothing: unknown label · E008 a
model of no people that leads to one.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import Error, Tags, register
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP

from crasme.kit import datamap
from crasme.kit.datamap import Erase, NoPeople, Sensitivity, Table


@register(Tags.models)
def data_map_is_complete(**kwargs: Any) -> list[Error]:
    """One error a gap, each naming the model, the field and what to write where."""
    try:
        declared = datamap.declarations()
    except LookupError as error:
        return [Error(str(error), id="datamap.E007")]
    found = [error for label, entry in declared.items() for error in _entry(label, entry)]
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed:
            continue
        covering = datamap.covers(model._meta.label)
        if covering is None:
            found.append(
                Error(
                    f"{model._meta.label} has no declaration in any data map.",
                    hint="Add a Table, or a NoPeople with its reason, to the datamap.py of the app that stores it.",
                    id="datamap.E001",
                    obj=model,
                )
            )
        elif isinstance(covering, Table):
            found += _undeclared_fields(model, covering)
        else:
            found += _links_to_people(model)
    return found


def _links_to_people(model: type[Model]) -> Iterator[Error]:
    """A row with a link to a person is about that person, and would never end: whoever says otherwise is wrong."""
    for column in model._meta.concrete_fields:
        target = column.related_model
        table = datamap.covers(target._meta.label) if isinstance(target, type) else None
        if isinstance(table, Table) and {"pk", target._meta.pk.name} & set(table.subject.values()):  # type: ignore[union-attr]
            yield Error(
                f"{model._meta.label} is said to hold no people, but its {column.name} leads to one of them.",
                hint="Declare it as a Table, with a rule that ends its rows.",
                obj=model,
                id="datamap.E008",
            )


def _undeclared_fields(model: type[Model], table: Table) -> Iterator[Error]:
    for column in model._meta.concrete_fields:
        if column.name not in table.fields and not column.primary_key:
            yield Error(
                f"{model._meta.label}.{column.name} has no declaration in the data map.",
                hint="Say what it means, what erasure does with it and, if an export leaves it out, why.",
                id="datamap.E002",
                obj=model,
            )


def _entry(label: str, entry: Table | NoPeople) -> Iterator[Error]:
    if not _label_exists(label):
        yield Error(f"The data map names {entry.label}, which does not exist.", id="datamap.E007")
    elif isinstance(entry, Table):
        yield from _names(entry)
        yield from _end(entry)
        for name, declared in entry.fields.items():
            yield from _field(entry, name, declared)
    if isinstance(entry, NoPeople) and not entry.why:
        yield Error(f"{entry.label} is said to hold no people, without a reason.", id="datamap.E004")


def _names(table: Table) -> Iterator[Error]:
    """Fields and subject paths that are named exist."""
    model = table.model
    for name in table.fields:
        if not _path_exists(model, name):
            yield Error(f"The data map declares {table.label}.{name}, which does not exist.", id="datamap.E003")
    for name in table.mentions.values():
        if name not in table.fields:
            yield Error(f"{table.label}: the mention {name!r} is no declared field.", id="datamap.E003", obj=model)
    for name in table.goes_with:
        if name not in table.fields:
            yield Error(f"{table.label}: the link {name!r} is no declared field.", id="datamap.E003", obj=model)
    for kind, path in table.subject.items():
        if not _path_exists(model, path):
            yield Error(f"{table.label}: the {kind} path {path!r} leads nowhere.", id="datamap.E003", obj=model)
    if not table.subject:
        yield Error(f"{table.label} holds people but no path finds them.", id="datamap.E005", obj=model)


def _end(table: Table) -> Iterator[Error]:
    """The rows end, and an erasure does one thing with a row, not two."""
    if not table.ends and not table.ends_reason:
        yield Error(
            f"{table.label} never ends.",
            hint="Name the retention rule that ends its rows, or say in `ends_reason` why none can.",
            id="datamap.E004",
            obj=table.model,
        )
    actions = {declared.erase for declared in table.fields.values()}
    if Erase.DELETE in actions and len(actions) > 1:
        yield Error(
            f"{table.label} both deletes its row and keeps parts of it.",
            hint="Either every field is gone(), or each is blanked(), kept() or anonymised().",
            id="datamap.E006",
            obj=table.model,
        )


def _field(table: Table, name: str, declared: datamap.Field) -> Iterator[Error]:
    where = f"{table.label}.{name}"
    if declared.erase is Erase.KEEP and not declared.reason:
        yield Error(f"{where} is kept without a legal reason.", id="datamap.E004")
    if declared.erase is Erase.ANONYMISE and not declared.how:
        yield Error(f"{where} is anonymised without saying how.", id="datamap.E004")
    if declared.sensitivity is Sensitivity.SECRET and not declared.withheld:
        yield Error(
            f"{where} is a secret that an export would show.",
            hint="Say in `withheld` why the person gets no copy of it.",
            id="datamap.E005",
        )
    if declared.erase is Erase.KEEP and declared.withheld and declared.sensitivity is Sensitivity.SENSITIVE:
        yield Error(
            f"{where} would outlive an erasure without the person ever seeing it.",
            hint="Show it in exports, or erase it.",
            id="datamap.E005",
        )


def _label_exists(label: str) -> bool:
    app_label, _, name = label.partition(".")
    if app_label not in apps.app_configs:
        return False
    return name == "*" or name in apps.all_models[app_label]


def _path_exists(model: type[Model], path: str) -> bool:
    """Whether the ORM path resolves, relation by relation."""
    current: type[Model] | None = model
    for part in path.split(LOOKUP_SEP):
        if current is None:
            return False
        try:
            # Django takes "owner_id" for the column of "owner"; "object_id" may be a field of its own.
            own = any(field.name == part for field in current._meta.get_fields())
            step = (
                current._meta.pk if part == "pk" else current._meta.get_field(part if own else part.removesuffix("_id"))
            )
        except FieldDoesNotExist:
            return False
        related = getattr(step, "related_model", None)
        current = related if isinstance(related, type) else None
    return True
