"""Erasing one person: a plan that can be approved, and the one transaction that carries out exactly that plan.

What could go wrong: what is erased is not what was approved (the plan is computed again under lock, and its hash must
be the same), or a hold placed in between (it changes the hash, and cannot be placed while the transaction runs).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.kit import datamap
from crasme.kit.crypto import subject_ref
from crasme.kit.datamap import Subject
from crasme.kit.recipes import Unfit, recipe
from crasme.kit.text import normalise_email
from crasme.ledger.services import record
from retention import locks, operations
from retention.erasureplan import ErasurePlan, Kept, drawn
from retention.errors import PlanChanged
from retention.obstacles import Scopes
from retention.operations import Kind
from retention.outline import Outline
from retention.outside import content, writing
from retention.verbs import ERASED

# Narrowest first: how the ledger names whoever was erased.
_NAMED_BY = ("person", "account", "visitor", "staff", "email")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows deleted or changed, by table; links emptied in rows of others, by column; and what stayed."""

    counts: dict[str, int]
    unlinked: dict[str, int]
    kept: tuple[Kept, ...]
    plan_hash: str


def preview(subject: Subject, now: datetime) -> ErasurePlan:
    """What an erasure would do now. Reads only; ErasureBlocked when it could not be carried out."""
    plan, _outline, _rows = drawn(subject)
    return plan


def erase(subject: Subject, *, plan_hash: str, actor: str, now: datetime) -> Outcome:
    """Carry out the approved plan, in one transaction, children first, by sets of rows.

    PlanChanged, with the plan as of now, when it is not the approved one any more; nothing is changed then.
    """
    with transaction.atomic():
        locks.share_holds()
        # New rows of the person need a key-share lock on the account, so none can come in between.
        _lock_accounts(subject)
        plan, outline, rows = drawn(subject)
        if plan.hash != plan_hash:
            raise PlanChanged(_("What would be erased now is not what was approved."), plan=plan)
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
    plan, outline, found = drawn(subject)
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


def _lock_accounts(subject: Subject) -> None:
    def accounts(who: Subject) -> QuerySet[Any]:
        rows = datamap.table("crm.Account").rows(who) if who.values else Account._base_manager.none()
        return rows.select_for_update().order_by("pk").values_list("pk")

    try:
        recipe("accounts", subject, lambda maker: maker.reading(accounts(maker.subject))).rows(subject)
    except Unfit:
        list(accounts(subject))
