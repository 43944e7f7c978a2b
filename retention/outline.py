"""What an erasure consists of, for whomever: the steps and what stays, each with its rows.

The outline of people known by the same kinds of identifiers differs in nothing but the identifiers, so it is made once
(`kit.recipes`) and asked by one statement for all counts. What could go wrong: an outline that was made under other
holds than those of now. The holds' kinds are part of its key, and the caller reads them under the lock of the holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from django.db.models import QuerySet

from crasme.kit import datamap
from crasme.kit.append_only import allow_purge
from crasme.kit.datamap import Subject, Table
from crasme.kit.recipes import Maker, Statement, Unfit, recipe
from retention import obstacles, operations
from retention.endings import Ending
from retention.obstacles import Scopes
from retention.operations import Kind, Operation


class Why(Enum):
    """What keeps rows: a hold on them, a hold on what depends on them, or the law."""

    HELD = "held"
    LEANT_ON = "leant on"
    LAW = "law"


@dataclass(frozen=True, slots=True)
class Stay:
    table: Table
    why: Why
    rows: QuerySet[Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """The outline of the stand-in, and the statements that go with it."""

    steps: tuple[Operation, ...]
    stays: tuple[Stay, ...]
    counts: Statement
    changes: tuple[Statement | None, ...]


class Outline:
    """`steps` and `stays` of one person, whose querysets may be those of the stand-in: ask this object about rows."""

    def __init__(self, subject: Subject, scopes: Scopes) -> None:
        self._subject, self.scopes = subject, scopes
        self._made: _Made | None = None
        try:
            self._made = recipe(("outline", scopes), subject, lambda maker: _make(maker, scopes))
        except Unfit:
            self.steps, self.stays = _outline(subject, scopes)
        else:
            self.steps, self.stays = self._made.steps, self._made.stays

    def counts(self) -> tuple[Sequence[int], Sequence[int]]:
        """Rows of each step, and of each stay, as of now."""
        parts = [*(step.rows for step in self.steps), *(stay.rows for stay in self.stays)]
        if self._made is not None:
            found = self._made.counts.rows(self._subject)[0]
        else:
            found = [rows.order_by().count() for rows in parts]
        return found[: len(self.steps)], found[len(self.steps) :]

    def apply(self, number: int, now: datetime) -> int:
        """Carry out one step in the caller's transaction; the number of rows."""
        step = self.steps[number]
        statement = self._made.changes[number] if self._made is not None else None
        if statement is None:
            if self._made is not None:
                step = _outline(self._subject, self.scopes)[0][number]
            return step.apply(now)
        if step.kind is Kind.DELETE:
            allow_purge(step.model._meta.db_table)
        return statement.change(self._subject, now)

    def last(self, stay: Stay, ending: Ending) -> datetime | None:
        """When the last of the rows is over; None when one of their periods has not begun."""
        missing, latest = self._span(stay, ending.path)
        return None if missing else ending.until(latest)

    def _span(self, stay: Stay, path: str) -> tuple[int, date | datetime | None]:
        if self._made is None:
            dates = stay.rows.order_by().values_list(path, flat=True)
            known = [each for each in dates if each is not None]
            return len(dates) - len(known), max(known, default=None)
        # Made for the rule of the moment, so not part of the outline: rules change, the path to a date seldom does.
        made = recipe(
            ("span", self.scopes, stay.table.key, path),
            self._subject,
            lambda maker: _span(maker, stay, path, self.scopes),
        )
        missing, latest = made.rows(self._subject)[0]
        return missing, latest


def _make(maker: Maker, scopes: Scopes) -> _Made:
    steps, stays = _outline(maker.subject, scopes)
    return _Made(
        steps,
        stays,
        counts=maker.counts([*(step.rows for step in steps), *(stay.rows for stay in stays)]),
        changes=tuple(_change(maker, step) for step in steps),
    )


def _change(maker: Maker, step: Operation) -> Statement | None:
    if step.kind is Kind.BLOCK:
        return None
    try:
        if step.kind is Kind.DELETE:
            return maker.deletion(step.rows)
        return maker.update(step.rows, step.values_at(maker.now))
    except Unfit:
        return None  # asked by its queryset


def _span(maker: Maker, stay: Stay, path: str, scopes: Scopes) -> Statement:
    rows = operations.free(stay.table.model, stay.table.rows(maker.subject), scopes)
    return maker.summary(rows.values_list(path), "count(*) - count(value), max(value)")


def _outline(subject: Subject, scopes: Scopes) -> tuple[tuple[Operation, ...], tuple[Stay, ...]]:
    tables = datamap.found_by(subject.values)
    steps = list(operations.erasure(tables, lambda table: table.rows(subject), scopes))
    steps += [step for table in tables for step in operations.mentions(table, subject, scopes)]
    return tuple(steps), tuple(stay for table in tables for stay in _stays(table, subject, scopes))


def _stays(table: Table, subject: Subject, scopes: Scopes) -> Iterator[Stay]:
    rows = table.rows(subject)
    yield from _on_hold(table, rows, scopes)
    for view in table.mentioned():
        yield from _on_hold(view, view.rows(subject), scopes)
    if not table.row_is_deleted:
        yield Stay(table, Why.LAW, operations.free(table.model, rows, scopes))


def _on_hold(table: Table, rows: QuerySet[Any], scopes: Scopes) -> Iterator[Stay]:
    held = obstacles.held(table.model, scopes)
    if held is not None:
        yield Stay(table, Why.HELD, rows.filter(held))
    leant_on = obstacles.leant_on(table.model, scopes) if table.row_is_deleted else None
    if leant_on is not None:
        yield Stay(table, Why.LEANT_ON, rows.filter(leant_on) if held is None else rows.filter(leant_on).exclude(held))
