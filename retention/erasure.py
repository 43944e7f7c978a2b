"""Erasing one person: a plan that can be approved, and the one transaction that carries out exactly that plan.

What could go wrong: what is erased is not what was approved (the plan is computed again under lock, and its hash must
be the same), a hold placed in between (it changes the hash, and cannot be placed while the transaction runs), or a kept
row that nobody told the person about (every kept row stands in the plan, with its reason and its end).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from crasme.crm.models import Account
from crasme.kit import canonical, datamap
from crasme.kit.crypto import subject_ref
from crasme.kit.datamap import Category, Erase, Subject, Table
from crasme.kit.recipes import Unfit, recipe
from crasme.kit.text import normalise_email
from crasme.ledger.services import record
from retention import coverage, locks, obstacles, operations
from retention.endings import Endings
from retention.errors import PlanChanged
from retention.obstacles import Scopes
from retention.operations import Kind, Operation
from retention.outline import Outline, Why
from retention.outside import content, writing
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows deleted or changed, by table; links emptied in rows of others, by column; and what stayed."""

    counts: dict[str, int]
    unlinked: dict[str, int]
    kept: tuple[Kept, ...]
    plan_hash: str


def preview(subject: Subject, now: datetime) -> ErasurePlan:
    """What an erasure would do now. Reads only; ErasureBlocked when it could not be carried out."""
    plan, _outline, _rows = _planned(subject)
    return plan


def erase(subject: Subject, *, plan_hash: str, actor: str, now: datetime) -> Outcome:
    """Carry out the approved plan, in one transaction, children first, by sets of rows.

    PlanChanged, with the plan as of now, when it is not the approved one any more; nothing is changed then.
    """
    with transaction.atomic():
        locks.share_holds()
        # New rows of the person need a key-share lock on the account, so none can come in between.
        _lock_accounts(subject)
        plan, outline, rows = _planned(subject)
        if plan.hash != plan_hash:
            raise PlanChanged("What would be erased now is not what was approved.", plan=plan)
        elsewhere = content.found_by_address(
            subject, {step.model for step, count in zip(outline.steps, rows, strict=True) if count}
        )
        counts, unlinked = _carry_out(outline, rows, now)
        record(
            ERASED.name,
            actor=actor,
            subject=reference(subject),
            plan=plan_hash,
            counts=counts,
            unlinked=unlinked,
            kept={kept.label.lower(): kept.rows for kept in plan.kept},
        )
        writing.note(
            "erasure",
            now=now,
            plan=plan_hash,
            policy=content.policy((line.label, line.action, line.fields) for line in plan.lines),
            subject=content.named(subject),
            rows=elsewhere,
        )
    return Outcome(counts, unlinked, plan.kept, plan_hash)


@contextmanager
def together(*subjects: Subject) -> Iterator[None]:
    """One transaction for erasures of several: their accounts are locked now, in one order for everybody, and the
    erasure ledger is written at the end. Without it two that meet each other's people would wait for ever."""
    with writing.together():
        locks.share_holds()
        keys = {value for subject in subjects for value in subject.values.get("account", ())}
        list(Account._base_manager.filter(pk__in=keys).select_for_update().order_by("pk").values_list("pk"))
        yield


def again(subject: Subject, rows: Mapping[str, Iterable[str]], *, now: datetime) -> Outcome:
    """Carry out an erasure again, in a database from before it; in the caller's transaction, which shares the holds.

    `subject` has no address; `rows` are the keys, by table, of what was found by one. Whatever keeps rows keeps them
    here as well. The dates that are written are those of `now`, the moment of the erasure itself.
    """
    _lock_accounts(subject)
    plan, outline, found = _planned(subject)
    counts, unlinked = _carry_out(outline, found, now)
    for step in operations.named_rows(rows, Scopes.now()):
        done = step.apply(now)
        if step.kind in (Kind.DELETE, Kind.CHANGE):
            label = step.model._meta.label_lower
            counts[label] = counts.get(label, 0) + done
    return Outcome({label: rows for label, rows in counts.items() if rows}, unlinked, plan.kept, plan.hash)


def _carry_out(outline: Outline, rows: Sequence[int], now: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """Rows deleted or changed by table, and links emptied by column."""
    counts: dict[str, int] = {}
    unlinked: dict[str, int] = {}
    # What had no rows a moment ago has none now: an earlier step makes rows fewer, never more.
    for number in [number for number, count in enumerate(rows) if count]:
        step = outline.steps[number]
        label = step.model._meta.label_lower
        done = outline.apply(number, now)
        if step.kind is Kind.UNLINK:
            unlinked[f"{label}.{step.fields[0]}"] = unlinked.get(f"{label}.{step.fields[0]}", 0) + done
        else:
            counts[label] = counts.get(label, 0) + done
    return (
        {label: rows for label, rows in counts.items() if rows},
        {column: rows for column, rows in unlinked.items() if rows},
    )


def reference(subject: Subject) -> str:
    """How the ledger names the subject: a keyed hash of their narrowest identifier, the first where there are many."""
    for kind in _NAMED_BY:
        if values := subject.values.get(kind):
            first = min(str(value) for value in values)
            return subject_ref(kind, normalise_email(first) if kind == "email" else first)
    return ""


def _planned(subject: Subject) -> tuple[ErasurePlan, Outline, Sequence[int]]:
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


def _lock_accounts(subject: Subject) -> None:
    def accounts(who: Subject) -> QuerySet[Any]:
        rows = datamap.table("crm.Account").rows(who) if who.values else Account._base_manager.none()
        return rows.select_for_update().order_by("pk").values_list("pk")

    try:
        recipe("accounts", subject, lambda maker: maker.reading(accounts(maker.subject))).rows(subject)
    except Unfit:
        list(accounts(subject))


def _is_stream(label: str) -> bool:
    return datamap.table(label).category is Category.USAGE if _declared(label) else False


def _declared(label: str) -> bool:
    return isinstance(datamap.covers(label), Table)


def _without_stream_rows(label: str, plain: dict[str, Any]) -> dict[str, Any]:
    if _is_stream(label):
        del plain["rows"]
    return plain
