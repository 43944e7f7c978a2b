"""The steps of an erasure, derived from the data map and the foreign keys: unlink, delete, change, children first.

A preview counts these steps and an erasure carries them out, so the two cannot drift apart. What could go wrong: a
cascade that takes somebody else's rows along. So rows of others only lose their link where the link may be empty, and
where it may not, only rows that the data map lets go are taken; anything else blocks the erasure.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.sql import DeleteQuery
from django.utils.translation import gettext as _

from crasme.kit import datamap
from crasme.kit.append_only import allow_purge
from crasme.kit.datamap import Erase, Subject, Table, blanked
from retention import coverage, fields, graph, obstacles
from retention.errors import ErasureBlocked
from retention.graph import OnDelete
from retention.models import Rule
from retention.obstacles import Scopes
from retention.replacements import replacement, value_at


class Kind(StrEnum):
    DELETE = "delete"  # the rows go
    CHANGE = "change"  # fields are emptied or replaced, the rows stay
    UNLINK = "unlink"  # rows of others lose their link to rows that go
    BLOCK = "block"  # rows of others that must stay and could not without what goes; with any, nothing is erased


@dataclass(frozen=True, slots=True)
class Operation:
    kind: Kind
    model: type[Model]
    rows: QuerySet[Any]
    fields: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    along: tuple[graph.Edge, ...] = ()  # of a deletion: links to what it deletes, emptied by the same statement

    def apply(self, now: datetime) -> int:
        """Carry it out in the caller's transaction; the number of rows."""
        if self.kind is Kind.DELETE:
            return delete_and_unlink(self.rows, self.along) if self.along else delete(self.rows)
        if self.kind is Kind.BLOCK:
            self.require_none(self.rows.exists())
            return 0
        return int(self.rows.order_by().update(**self.values_at(now)))

    def values_at(self, now: datetime) -> dict[str, Any]:
        """Column → what takes its place."""
        return {
            name: value_at(value, self.model._meta.get_field(name), now)
            for name, value in zip(self.fields, self.values, strict=True)
        }

    def require_none(self, found: bool | int) -> None:
        """ErasureBlocked when this is a block and something was found in its way."""
        if self.kind is Kind.BLOCK and found:
            (parent,) = self.fields
            raise ErasureBlocked(
                _("Rows of %(child)s depend on rows of %(parent)s that are to be erased, and must stay.")
                % {"child": self.model._meta.label, "parent": parent}
            )


def delete(rows: QuerySet[Any]) -> int:
    """Delete the rows by one statement, without loading any; whatever points at them must have been dealt with."""
    allow_purge(rows.model._meta.db_table)
    return int(rows.order_by()._raw_delete(rows.db) or 0)  # None when the query can have no rows at all


def delete_and_unlink(rows: QuerySet[Any], edges: Iterable[graph.Edge]) -> int:
    """The same, and what points at them by `edges` loses its link by that very statement: the rows are found once, and
    not once more for each link. The constraints are looked at at the end of the transaction, as Django makes them."""
    quote = connection.ops.quote_name
    key = quote(rows.model._meta.pk.column)
    allow_purge(rows.model._meta.db_table)
    sql, values = deletion(rows)
    parts = [f"gone AS ({sql} RETURNING {key})"]
    for number, edge in enumerate(edges):
        table, link = quote(edge.child._meta.db_table), quote(edge.field.column)
        parts.append(
            f"unlinked_{number} AS (UPDATE {table} SET {link} = NULL WHERE {link} IN (SELECT {key} FROM gone))"  # noqa: S608
        )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT count(*) FROM gone", values)  # noqa: S608
        return int(cursor.fetchone()[0])


def deletion(rows: QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    """The statement that deletes the rows, to be put into a larger one."""
    query = rows.order_by().query.clone()
    query.__class__ = DeleteQuery
    sql, values = query.get_compiler(rows.db).as_sql()
    return sql, values


def erasure(tables: Iterable[Table], rows_of: Callable[[Table], QuerySet[Any]], scopes: Scopes) -> Iterator[Operation]:
    """The steps that erase `rows_of(table)` of each table as its declaration says; what is held is left out.

    Where rows that must stay would lose what they depend on, a step raises ErasureBlocked.
    """
    yield from _erasure(tables, lambda table, lean: free(table.model, rows_of(table), scopes, lean=lean), in_turn=False)


def erasure_in_turn(
    tables: Iterable[Table], rows_of: Callable[[Table], QuerySet[Any]], scopes: Scopes, *, by_account: bool
) -> Iterator[Operation]:
    """The same steps, each to be applied before the next is asked for: what is gone need not be left out of later ones.

    `rows_of` gives all rows of some accounts whose time is over, so that a row stays which something open keeps by
    itself. Without `by_account` nothing keeps these accounts, as `obstacles.held` says, and only what keeps single rows
    is asked.
    """
    yield from _erasure(
        tables,
        lambda table, lean: free(table.model, rows_of(table), scopes, lean=lean, by_account=by_account, or_open=True),
        in_turn=True,
    )


def _erasure(
    tables: Iterable[Table], rows_of: Callable[[Table, bool], QuerySet[Any]], *, in_turn: bool
) -> Iterator[Operation]:
    by_model = {table.model: table for table in tables}
    going = {model: rows_of(table, True) for model, table in by_model.items() if table.row_is_deleted}
    gone: set[type[Model]] = set()
    for model in graph.children_first(by_model):
        if model in going:
            along = _unlinked_along(model, going, gone) if in_turn else ()
            yield from _release(model, going[model], going, gone, along)
            yield Operation(Kind.DELETE, model, going[model], along=along)
            if in_turn:
                gone.add(model)
        else:
            yield from _changes(by_model[model], rows_of(by_model[model], False))


def mentions(table: Table, subject: Subject, scopes: Scopes) -> Iterator[Operation]:
    """The steps that empty the person's address in rows of others; everything else in those rows is theirs."""
    for view in table.mentioned():
        for name, declared in view.fields.items():
            empty = replacement(view.model._meta.get_field(name), blanked(declared.meaning))
            yield Operation(Kind.CHANGE, view.model, free(view.model, view.rows(subject), scopes), (name,), (empty,))


def named_rows(keys: Mapping[str, Iterable[str]], scopes: Scopes) -> Iterator[Operation]:
    """The steps that erase rows given by their keys, table by table, as they were found by somebody's address: rows
    that are that person's own as declared, and in rows of others the address alone."""
    for label, wanted in keys.items():
        table = datamap.table(label)
        rows = table.model._base_manager.filter(pk__in=list(wanted))
        if "email" in table.subject:
            yield from erasure([table], lambda _table, rows=rows: rows, scopes)  # type: ignore[misc]
        elif name := table.mentions.get("email"):
            empty = replacement(table.model._meta.get_field(name), blanked(table.fields[name].meaning))
            yield Operation(Kind.CHANGE, table.model, free(table.model, rows, scopes), (name,), (empty,))


def cascade(rows: QuerySet[Any]) -> Iterator[Operation]:
    """The steps that delete `rows` as the models' own on_delete rules say; the rows themselves come last."""
    model: type[Model] = rows.model
    for edge in graph.edges_to(model):
        if edge.on_delete is OnDelete.CASCADE and edge.child is not model:
            yield from cascade(edge.children_of(rows))
        elif edge.nullable and edge.on_delete in (OnDelete.UNLINK, OnDelete.CASCADE):
            yield _unlink(edge, edge.children_of(rows))
    yield Operation(Kind.DELETE, model, rows)


def ended_fields(rows: QuerySet[Any], rule: Rule, cutoff: datetime) -> Iterator[Operation]:
    """The step that ends fields of `rows`, which stay, as the rule says."""
    changed = fields.values(rule, cutoff)
    yield Operation(Kind.CHANGE, rows.model, rows, tuple(changed), tuple(changed.values()))


def free(
    model: type[Model],
    rows: QuerySet[Any],
    scopes: Scopes,
    *,
    lean: bool = False,
    by_account: bool = True,
    or_open: bool = False,
) -> QuerySet[Any]:
    """The rows that no hold keeps; with `lean`, also none on which a held row depends. `by_account` and `or_open` as
    for `held`."""
    held = obstacles.held(model, scopes, by_account=by_account, or_open=or_open)
    kept = obstacles.any_of(held, obstacles.leant_on(model, scopes, or_open=or_open) if lean else None)
    return rows.exclude(kept) if kept is not None else rows


def _changes(table: Table, rows: QuerySet[Any]) -> Iterator[Operation]:
    changed = {
        name: replacement(table.model._meta.get_field(name), declared)
        for name, declared in table.fields.items()
        if declared.erase in (Erase.BLANK, Erase.ANONYMISE)
    }
    if changed:
        yield Operation(Kind.CHANGE, table.model, rows, tuple(changed), tuple(changed.values()))


def _release(
    model: type[Model],
    rows: QuerySet[Any],
    going: dict[type[Model], QuerySet[Any]],
    gone: set[type[Model]],
    along: Collection[graph.Edge] = (),
) -> Iterator[Operation]:
    """What must happen to rows that point at `rows` and do not go by themselves; of `gone` none are left that do, and
    `along` is seen to by the deletion itself."""
    for edge in graph.edges_to(model):
        if edge.on_delete is OnDelete.NOTHING or edge in along:
            continue
        if edge.child in gone and not edge.nullable and obstacles.goes_with(edge):
            continue  # such rows are of the same account: they went, or one is held, and then its parent stays
        strangers = edge.children_of(rows)
        if edge.child in going and edge.child not in gone:
            strangers = strangers.exclude(pk__in=going[edge.child].order_by().values("pk"))
        if _only_loses(edge):
            yield _unlink(edge, strangers)
        elif edge.on_delete is OnDelete.CASCADE and edge.child is not model and _may_go(edge.child):
            yield from _release(edge.child, strangers, going, gone)
            yield Operation(Kind.DELETE, edge.child, strangers)
        else:
            yield Operation(Kind.BLOCK, edge.child, strangers, (model._meta.label,))


def _unlinked_along(
    model: type[Model], going: dict[type[Model], QuerySet[Any]], gone: set[type[Model]]
) -> tuple[graph.Edge, ...]:
    """The links that the statement can empty which deletes rows of `model`. It sees each row as it was before and can
    change it once: so none of a table with two such links, and none of rows that it deletes itself."""
    edges = [
        edge
        for edge in graph.edges_to(model)
        if edge.on_delete is not OnDelete.NOTHING
        and _only_loses(edge)
        and edge.child is not model
        and edge.field.target_field.primary_key
        and (edge.child in gone or edge.child not in going)
    ]
    children = [edge.child for edge in edges]
    return tuple(edge for edge in edges if children.count(edge.child) == 1)


def _only_loses(edge: graph.Edge) -> bool:
    """Whether the child stays when what it points at goes, and loses the link."""
    return edge.nullable and edge.on_delete is not OnDelete.PROTECT and not _goes_along(edge)


def _unlink(edge: graph.Edge, rows: QuerySet[Any]) -> Operation:
    return Operation(Kind.UNLINK, edge.child, rows, (edge.field.name,), (None,))


def _goes_along(edge: graph.Edge) -> bool:
    """Whether the child is nothing without this link; a row that may lose it stays, for it may be somebody else's."""
    table = coverage.table_of(edge.child)
    return table is not None and edge.field.name in table.goes_with


def _may_go(model: type[Model]) -> bool:
    """Whether a row may be taken along: it holds no people, or the data map deletes it anyway."""
    table = coverage.table_of(model)
    return table is None or table.row_is_deleted
