"""Erasing one person: a plan that can be approved, and the one transaction that carries out exactly that plan.

What could go wrong: what is erased is not what was approved (the plan is computed again under lock, and its hash must
be the same), a hold placed in between (it changes the hash, and cannot be placed while the transaction runs), or a kept
row that nobody told the person about (every kept row stands in the plan, with its reason and its end).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from crasme.crm.models import Account
from crasme.kit import canonical, datamap
from crasme.kit.crypto import subject_ref
from crasme.kit.datamap import Category, Erase, Subject, Table
from crasme.kit.text import normalise_email
from crasme.ledger.services import record
from retention import locks, obstacles, operations
from retention.endings import Endings
from retention.errors import PlanChanged
from retention.obstacles import Scopes
from retention.operations import Kind, Operation
from retention.verbs import ERASED

ON_HOLD = gettext_noop("A legal hold lies on it.")
LEANT_ON = gettext_noop("Something on legal hold depends on it.")
# Narrowest first: how the ledger names whoever was erased.
_NAMED_BY = ("person", "account", "visitor", "staff", "email")


@dataclass(frozen=True, slots=True)
class Line:
    """What is done to one table; `action` is "delete", "change" or "unlink", `fields` what is emptied or replaced."""

    label: str
    title: str
    action: str
    rows: int
    fields: tuple[str, ...] = ()

    def canonical(self) -> dict[str, Any]:
        plain = {"table": self.label, "action": self.action, "fields": list(self.fields), "rows": self.rows}
        return _without_stream_rows(self.label, plain)


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of one table: why (English; translate for display), counted from what, and until when if known.

    `matters` are the file references of the holds, for staff only: telling them to the person may be unlawful.
    """

    label: str
    title: str
    rows: int
    reason: str
    fields: tuple[str, ...] = ()
    basis: str = ""
    until: date | None = None
    matters: tuple[str, ...] = ()

    def canonical(self) -> dict[str, Any]:
        plain = {
            "table": self.label,
            "fields": list(self.fields),
            "rows": self.rows,
            "reason": self.reason,
            "basis": self.basis,
            "matters": list(self.matters),
        }
        return _without_stream_rows(self.label, plain)


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """`hash` is the SHA-256 of `canonical()`. It covers tables, actions, fields, rows, reasons and holds.

    Usage events flow in, and expire, by the minute: their number is shown, but it is not part of what is approved.
    """

    lines: tuple[Line, ...]
    kept: tuple[Kept, ...]

    def canonical(self) -> str:
        content = {
            "lines": [line.canonical() for line in self.lines],
            "kept": [kept.canonical() for kept in self.kept],
        }
        return canonical.canonical(content)

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @property
    def rows(self) -> int:
        """How many rows are deleted or changed."""
        return sum(line.rows for line in self.lines)

    @property
    def on_hold(self) -> bool:
        return any(kept.matters or kept.reason == ON_HOLD for kept in self.kept)

    def as_json(self) -> dict[str, Any]:
        """For storing beside an approval, and for showing: plain values, dates as ISO text."""
        return {
            "hash": self.hash,
            "lines": [
                {
                    "table": line.label,
                    "title": line.title,
                    "action": line.action,
                    "rows": line.rows,
                    "fields": [*line.fields],
                }
                for line in self.lines
            ],
            "kept": [
                kept.canonical()
                | {"title": kept.title, "rows": kept.rows, "until": kept.until.isoformat() if kept.until else None}
                for kept in self.kept
            ],
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows deleted or changed, by table; links emptied in rows of others, by column; and what stayed."""

    counts: dict[str, int]
    unlinked: dict[str, int]
    kept: tuple[Kept, ...]
    plan_hash: str


def preview(subject: Subject, now: datetime) -> ErasurePlan:
    """What an erasure would do now. Reads only; ErasureBlocked when it could not be carried out."""
    plan, _steps = _planned(subject, Scopes.now())
    return plan


def erase(subject: Subject, *, plan_hash: str, actor: str, now: datetime) -> Outcome:
    """Carry out the approved plan, in one transaction, children first, by sets of rows.

    PlanChanged, with the plan as of now, when it is not the approved one any more; nothing is changed then.
    """
    with transaction.atomic():
        locks.share_holds()
        # New rows of the person need a key-share lock on the account, so none can come in between.
        list(_accounts(subject).select_for_update().order_by("pk").values_list("pk"))
        plan, steps = _planned(subject, Scopes.now())
        if plan.hash != plan_hash:
            raise PlanChanged("What would be erased now is not what was approved.", plan=plan)
        counts: dict[str, int] = {}
        unlinked: dict[str, int] = {}
        for step in steps:
            label = step.model._meta.label_lower
            rows = step.apply(now)
            if step.kind is Kind.UNLINK:
                unlinked[f"{label}.{step.fields[0]}"] = unlinked.get(f"{label}.{step.fields[0]}", 0) + rows
            else:
                counts[label] = counts.get(label, 0) + rows
        counts = {label: rows for label, rows in counts.items() if rows}
        unlinked = {column: rows for column, rows in unlinked.items() if rows}
        record(
            ERASED.name,
            actor=actor,
            subject=reference(subject),
            plan=plan_hash,
            counts=counts,
            unlinked=unlinked,
            kept={kept.label.lower(): kept.rows for kept in plan.kept},
        )
    return Outcome(counts, unlinked, plan.kept, plan_hash)


def reference(subject: Subject) -> str:
    """How the ledger names the subject: a keyed hash of their narrowest identifier, the first where there are many."""
    for kind in _NAMED_BY:
        if values := subject.values.get(kind):
            first = min(str(value) for value in values)
            return subject_ref(kind, normalise_email(first) if kind == "email" else first)
    return ""


def _planned(subject: Subject, scopes: Scopes) -> tuple[ErasurePlan, list[Operation]]:
    tables = datamap.found_by(subject.values)
    steps = list(operations.erasure(tables, lambda table: table.rows(subject), scopes))
    steps += [step for table in tables for step in operations.mentions(table, subject, scopes)]
    lines = tuple(line for step in steps if (line := _line(step)) is not None)
    return ErasurePlan(lines, tuple(_kept(tables, subject, scopes))), steps


def _line(step: Operation) -> Line | None:
    rows = step.rows.order_by().count()
    label = step.model._meta.label
    if not rows and not (step.kind is not Kind.UNLINK and _is_stream(label)):
        return None
    table = obstacles.table_of(step.model)
    title = table.title if table else str(step.model._meta.verbose_name_plural)
    return Line(label, title, step.kind.value, rows, step.fields)


def _kept(tables: Iterable[Table], subject: Subject, scopes: Scopes) -> Iterable[Kept]:
    endings = Endings()
    for table in tables:
        rows = table.rows(subject)
        yield from _on_hold(table, rows, scopes)
        for view in table.mentioned():
            yield from _on_hold(view, view.rows(subject), scopes)
        if table.row_is_deleted:
            continue
        staying = operations.free(table.model, rows, scopes)
        if count := staying.order_by().count():
            ending = endings.final(table)
            until = ending.last(staying) if ending else None
            for reason in table.legal_reasons():
                yield Kept(
                    table.label,
                    table.title,
                    count,
                    reason,
                    fields=tuple(
                        name
                        for name, declared in table.fields.items()
                        if declared.erase is Erase.KEEP and declared.reason == reason
                    ),
                    basis=ending.basis if ending else table.ends_reason,
                    until=until.date() if until else None,
                )


def _on_hold(table: Table, rows: Any, scopes: Scopes) -> Iterable[Kept]:
    held = obstacles.held(table.model, scopes)
    count = rows.filter(held).order_by().count() if held is not None else 0
    if count:
        matters = tuple(obstacles.matters(table.model, rows.filter(held)))
        yield Kept(table.label, table.title, count, ON_HOLD, matters=matters)
    leant_on = obstacles.leant_on(table.model, scopes) if table.row_is_deleted else None
    if leant_on is not None:
        others = rows.filter(leant_on) if held is None else rows.filter(leant_on).exclude(held)
        if count := others.order_by().count():
            yield Kept(table.label, table.title, count, LEANT_ON)


def _accounts(subject: Subject) -> Any:
    return datamap.table("crm.Account").rows(subject) if subject.values else Account._base_manager.none()


def _is_stream(label: str) -> bool:
    return datamap.table(label).category is Category.USAGE if _declared(label) else False


def _declared(label: str) -> bool:
    return isinstance(datamap.covers(label), Table)


def _without_stream_rows(label: str, plain: dict[str, Any]) -> dict[str, Any]:
    if _is_stream(label):
        del plain["rows"]
    return plain
