"""What an erasure would do to one person's rows, and what it would leave: the plan that is shown, stored and approved.

What could go wrong: a plan that says the same and means something else (its hash covers tables, actions, fields, rows,
reasons and holds), or a kept row that nobody told the person about (each stands here, with its reason and its end).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_noop

from crasme.kit import canonical, datamap
from crasme.kit.datamap import Category, Erase, Subject, Table
from retention import coverage, obstacles
from retention.endings import Endings
from retention.obstacles import Scopes
from retention.operations import Kind, Operation
from retention.outline import Outline, Why

ON_HOLD = gettext_noop("A legal hold lies on it.")
LEANT_ON = gettext_noop("Something on legal hold depends on it.")


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
        whole = {
            "lines": [line.canonical() for line in self.lines],
            "kept": [kept.canonical() for kept in self.kept],
        }
        return canonical.canonical(whole)

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


def drawn(subject: Subject) -> tuple[ErasurePlan, Outline, Sequence[int]]:
    """The plan, its outline and the rows of each of its steps. ErasureBlocked when it could not be carried out."""
    outline = Outline(subject, Scopes.now())
    rows, staying = outline.counts()
    for step, count in zip(outline.steps, rows, strict=True):
        step.require_none(count)
    lines = tuple(line for step, count in zip(outline.steps, rows, strict=True) if (line := _line(step, count)))
    return ErasurePlan(lines, tuple(_kept(outline, staying, subject))), outline, rows


def _line(step: Operation, rows: int) -> Line | None:
    label = step.model._meta.label
    if step.kind is Kind.BLOCK or (not rows and not (step.kind is not Kind.UNLINK and _is_stream(label))):
        return None
    table = coverage.table_of(step.model)
    title = table.title if table else str(step.model._meta.verbose_name_plural)
    return Line(label, title, step.kind.value, rows, step.fields)


def _kept(outline: Outline, counts: Sequence[int], subject: Subject) -> Iterable[Kept]:
    staying = [(stay, rows) for stay, rows in zip(outline.stays, counts, strict=True) if rows]
    endings = Endings() if any(stay.why is Why.LAW for stay, _rows in staying) else None
    for stay, rows in staying:
        table = stay.table
        if stay.why is Why.HELD:
            held = obstacles.held(table.model, outline.scopes)
            matters = obstacles.matters(table.model, table.rows(subject).filter(held)) if held is not None else []
            yield Kept(table.label, table.title, rows, ON_HOLD, matters=tuple(matters))
        elif stay.why is Why.LEANT_ON:
            yield Kept(table.label, table.title, rows, LEANT_ON)
        elif endings is not None:
            ending = endings.final(table)
            until = outline.last(stay, ending) if ending else None
            for reason in table.legal_reasons():
                yield Kept(
                    table.label,
                    table.title,
                    rows,
                    reason,
                    fields=tuple(
                        name
                        for name, declared in table.fields.items()
                        if declared.erase is Erase.KEEP and declared.reason == reason
                    ),
                    basis=ending.basis if ending else table.ends_reason,
                    until=until.date() if until else None,
                )


def _is_stream(label: str) -> bool:
    return datamap.table(label).category is Category.USAGE if _declared(label) else False


def _declared(label: str) -> bool:
    return isinstance(datamap.covers(label), Table)


def _without_stream_rows(label: str, plain: dict[str, Any]) -> dict[str, Any]:
    if _is_stream(label):
        del plain["rows"]
    return plain
