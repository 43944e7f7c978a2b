"""The graph of foreign keys between tables: what hangs off what, and in which order sets of rows can go.

What could go wrong: a child forgotten (the database refuses, or keeps an orphan), a cascade that takes rows of
somebody else along. So edges are read from the models, never listed by hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from graphlib import CycleError, TopologicalSorter

from django.apps import apps
from django.db import models

Model = type[models.Model]


class OnDelete(StrEnum):
    CASCADE = "cascade"
    UNLINK = "unlink"  # SET_NULL, SET_DEFAULT, SET(…): the child stays and loses the link
    PROTECT = "protect"  # PROTECT, RESTRICT and a constraint that nobody handles
    NOTHING = "nothing"  # no constraint in the database: the child has a rule of its own


@dataclass(frozen=True, slots=True)
class Edge:
    """`child.field` points at `parent`."""

    child: Model
    field: "models.ForeignKey"
    parent: Model
    on_delete: OnDelete

    @property
    def nullable(self) -> bool:
        return bool(self.field.null)

    def children_of(self, parents: "models.QuerySet") -> "models.QuerySet":
        """The child rows that point at any of `parents`, by one sub-select."""
        target = self.field.target_field.attname
        return self.child._base_manager.filter(**{f"{self.field.name}__in": parents.order_by().values(target)})


@cache
def edges_to(parent: Model) -> tuple[Edge, ...]:
    """The foreign keys that point at a model, hidden relations and links of many-to-many tables included."""
    return tuple(
        Edge(child, field, parent, _on_delete(field))
        for child in stored_models()
        for field in child._meta.local_fields
        if isinstance(field, models.ForeignKey) and field.related_model is parent
    )


@cache
def stored_models() -> tuple[Model, ...]:
    """Every model with a table that Django manages."""
    every = apps.get_models(include_auto_created=True)
    return tuple(model for model in every if model._meta.managed and not model._meta.proxy)


def children_first(wanted: Iterable[Model]) -> list[Model]:
    """The models in an order in which rows can be deleted: what points comes before what is pointed at.

    A cycle of foreign keys keeps the order given; the database checks deferred constraints at the end anyway.
    """
    members = list(dict.fromkeys(wanted))
    sorter: TopologicalSorter[Model] = TopologicalSorter(dict.fromkeys(members, ()))
    for parent in members:
        for edge in edges_to(parent):
            if edge.child in members and edge.child is not parent:
                sorter.add(parent, edge.child)
    try:
        return list(sorter.static_order())
    except CycleError:
        return members


def path_up(child: Model, ancestor: Model) -> str | None:
    """The shortest ORM path from `child` to `ancestor` over foreign keys that delete along, e.g. "request"; "" when
    they are the same, None when there is none."""
    if child is ancestor:
        return ""
    seen, paths = {child}, [(child, "")]
    while paths:
        further: list[tuple[Model, str]] = []
        for model, path in paths:
            for name, parent in _parents(model):
                if parent is ancestor:
                    return path + name
                if parent not in seen:
                    seen.add(parent)
                    further.append((parent, f"{path}{name}__"))
        paths = further
    return None


def _parents(model: Model) -> Sequence[tuple[str, Model]]:
    return [
        (field.name, field.related_model)
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and isinstance(field.related_model, type)
        and _on_delete(field) is OnDelete.CASCADE
    ]


def _on_delete(field: "models.ForeignKey") -> OnDelete:
    action = field.remote_field.on_delete
    if action is models.CASCADE:
        return OnDelete.CASCADE
    if action in (models.PROTECT, models.RESTRICT):
        return OnDelete.PROTECT
    if action is models.DO_NOTHING:
        constrained: bool = getattr(field, "db_constraint", True)
        return OnDelete.PROTECT if constrained else OnDelete.NOTHING
    # SET_NULL, SET_DEFAULT and SET(…) all leave the row; only the empty link is certain to be allowed.
    return OnDelete.UNLINK if field.null else OnDelete.PROTECT
