"""Erasing accounts whose time to come back is over: identifiers go, dependants go, other rules' tables stay.

What could go wrong: a customer reactivates in the same moment (the account is locked and asked again), or a hold on one
note keeps the note and nobody ever comes back for it (so every run also looks for what an erased account still has).
"""

from collections.abc import Callable
from datetime import datetime
from itertools import batched
from typing import Any

from django.db.models import Exists, ForeignKey, Model, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from crasme.crm.models import Account
from crasme.kit import datamap
from crasme.kit.among import among
from crasme.kit.datamap import Table
from retention import locks, obstacles, operations, predicate
from retention.engine import checkpoint, digests
from retention.engine.passes import Position, keys_after, through, watermark
from retention.engine.watch import Watch
from retention.models import Run
from retention.obstacles import Scopes
from retention.outside import writing

MANY = 1_000  # accounts in an entry of the erasure ledger
Find = Callable[[Run, Scopes], "QuerySet[Any]"]


def end(run: Run, watch: Watch) -> bool:
    """Erase the accounts that are due, then what erased ones still have. False when time ran out before."""
    own = tables_of(run.rule.slug)
    dependants = [table for table in own if table.row_is_deleted]

    def due(run: Run, scopes: Scopes) -> QuerySet[Any]:
        return predicate.releasable(run.rule, run.cutoff, scopes=scopes)

    def leftover(run: Run, scopes: Scopes) -> QuerySet[Any]:
        return _with_leftovers(run, dependants, scopes)

    before = run.rows_total
    if not _all(run, watch, "accounts", due, run.rule.anchor, own):
        return False
    # Whoever asks next whether anything remains looks through all accounts that were erased before, and comes back: so
    # it is done here only when there was nothing else to do.
    return run.rows_total > before or _all(run, watch, "leftovers", leftover, "erased_at", dependants)


def tables_of(slug: str) -> list[Table]:
    """The tables that end with an account by this rule; other rules' tables stay."""
    return [table for table in datamap.tables() if table.ends == slug]


def leftovers_remain(run: Run) -> bool:
    """Whether an account that was erased before this run still has rows that nothing keeps."""
    dependants = [table for table in tables_of(run.rule.slug) if table.row_is_deleted]
    return _with_leftovers(run, dependants, Scopes.now()).exists()


def _all(run: Run, watch: Watch, name: str, find: Find, anchor: str, tables: list[Table]) -> bool:
    def batch(position: Position | None, skip_locked: bool) -> Position | None:
        checkpoint.begin(run, watch, measured=True)
        locks.share_holds()
        scopes = Scopes.now()
        keys, _first, last = keys_after(find(run, scopes), anchor, position, watch.pace.rows, skip_locked)
        if not keys:
            return None
        after = last, keys[-1]
        at = watermark(Account, name, skip_locked=skip_locked, position=after)
        _erase(run, watch, keys, tables, scopes, at)
        return after

    return through(run, watch, name, Account, batch)


def _erase(run: Run, watch: Watch, keys: list[Any], tables: list[Table], scopes: Scopes, at: dict[str, Any]) -> None:
    # Each was found to be kept by nothing, and is locked; no hold can be placed before the commit.
    counts = erase(keys, tables, scopes, watch.now, by_account=False)
    watch.reached("accounts.erased")
    erased = counts.get(Account._meta.label_lower, 0)
    checkpoint.note(
        run, watch, label=Account._meta.label_lower, rows=erased, digest=digests.of_keys(keys), counts=counts, at=at
    )
    # One entry for many, but none so long that whoever reads it back must hold all of a run.
    expired = [
        {"subject": {"account": [str(key) for key in some]}, "rule": run.rule.slug} for some in batched(keys, MANY)
    ]
    writing.write([writing.Act("expiry", watch.now, content) for content in expired])


def erase(
    keys: list[Any], tables: list[Table], scopes: Scopes, now: datetime, *, by_account: bool = True
) -> dict[str, int]:
    """End the rows of these accounts in `tables`, as the data map says; rows deleted or changed, by table. What holds
    keep stays; without `by_account` the accounts are known to be kept by none."""
    ours = among(Account._meta.pk, keys)

    def of_accounts(table: Table) -> QuerySet[Any]:
        return _along(table.model, table.subject["account"], ours)

    counts: dict[str, int] = {}
    for step in operations.erasure_in_turn(tables, of_accounts, scopes, by_account=by_account):
        rows = step.apply(now)
        if step.kind in (operations.Kind.DELETE, operations.Kind.CHANGE):
            label = step.model._meta.label_lower
            counts[label] = counts.get(label, 0) + rows
    return counts


def _along(model: type[Model], path: str, ours: RawSQL) -> QuerySet[Any]:
    """The rows whose `path` leads to one of `ours`: table by table, where Django would join the rows to themselves."""
    name, _separator, rest = path.partition("__")
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    if not rest or not isinstance(field, ForeignKey):
        return model._base_manager.filter(**{f"{path}__in": ours})
    above = _along(field.related_model, rest, ours).order_by().values(field.target_field.attname)
    return model._base_manager.filter(**{f"{name}__in": above})


def _with_leftovers(run: Run, dependants: list[Table], scopes: Scopes) -> QuerySet[Any]:
    """Accounts erased before this run that still have rows of the tables which nothing keeps any more: no hold, as for
    the erasure itself, and nothing open about the account either, as for every other period that is over.

    Those that this run erased it left with none; looking for what it has just deleted costs a third of deleting it.
    """
    terms = []
    for table in dependants:
        rows = table.model._base_manager.filter(**{table.subject["account"]: OuterRef("pk")})
        # What is asked of the account is the same for all of its tables, and asked once.
        terms.append(Q(Exists(operations.free(table.model, rows, scopes, lean=True, by_account=False, or_open=True))))
    erased = Account._base_manager.filter(status=Account.Status.ERASED, erased_at__lt=run.started_at)
    if (kept := obstacles.held(Account, scopes, or_restricted=True)) is not None:
        erased = erased.exclude(kept)
    left = obstacles.any_of(*terms)
    return erased.filter(left) if left is not None else erased.none()
