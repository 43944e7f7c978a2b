"""Going through rows in batches: past what somebody has locked, and once that ends nothing, once more, waiting for it.

What could go wrong: a batch that waits for a locked row holds up a thousand others (so a first pass skips locked rows,
and a second one waits for them), rows in the way at the front are read again and again (so each pass goes on after the
last key, and a resumed run after the one that it committed), or a batch that the database cancels for taking too long
(it is tried again with half the rows).
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import Model, Q, QuerySet
from psycopg.errors import QueryCanceled

from retention.engine import checkpoint
from retention.engine.watch import Watch
from retention.models import Run

Position = tuple[Any, Any]  # anchor and key of the last row looked at
# One transaction: ends the next rows after a position and notes them; the position after them, None when none is left.
Batch = Callable[[Position | None, bool], Position | None]


def through(run: Run, watch: Watch, name: str, model: type[Model], batch: Batch, *, waits: bool = False) -> bool:
    """A pass over `model`, from the watermark on if it is this work's. Where it ends nothing, or with `waits` in any
    case, the second one; otherwise whoever calls asks whether something is left, and calls again. False when time ran
    out before the end."""
    before = run.rows_total, dict(run.counts)
    at = run.progress.get(checkpoint.AT) or {}
    mine = at.get("of") == watermark(model, name, skip_locked=True, position=None)["of"]
    for skip_locked in (True, False):
        if mine and skip_locked and not at["skipping"]:
            continue  # it was in the second pass already
        position = _position(at, model) if mine else None
        mine = False
        while True:
            if watch.is_over():
                return False
            watch.give_way()
            try:
                with transaction.atomic():
                    after = batch(position, skip_locked)
            except OperationalError as error:
                if not isinstance(error.__cause__, QueryCanceled) or not watch.pace.halve():
                    raise
                run.refresh_from_db(fields=checkpoint.NOTED)  # what was noted of this batch went back with it
                continue
            if after is None:
                break
            position = after
            watch.reached(f"{name}.committed")
        if not waits and before != (run.rows_total, run.counts):
            break
    run.progress.pop(checkpoint.AT, None)
    return True


def watermark(model: type[Model], name: str, *, skip_locked: bool, position: Position | None) -> dict[str, Any]:
    """What a batch notes about its place, so that a resumed run need not look at what it has passed."""
    anchor, key = position or (None, None)
    return {
        "of": f"{name} {model._meta.label_lower}",
        "skipping": skip_locked,
        "anchor": anchor.isoformat() if anchor is not None else "",
        "key": str(key),
    }


def keys_after(
    rows: QuerySet[Any], anchor: str, position: Position | None, size: int, skip_locked: bool
) -> tuple[list[Any], Any, Any]:
    """The next keys, oldest first, locked for the current transaction; the anchors of the first and of the last."""
    if position is not None:
        at, key = position
        rows = rows.filter(Q(**{f"{anchor}__gt": at}) | Q(**{anchor: at, "pk__gt": key}), **{f"{anchor}__gte": at})
    found = rows.order_by(anchor, "pk").select_for_update(skip_locked=skip_locked).values_list("pk", anchor)[:size]
    try:
        sql, values = found.query.sql_with_params()
    except EmptyResultSet:  # Django sees that no row can fit
        return [], None, None
    # As one row: a thousand dates, of which two are asked for, take as long to read as to find.
    sql = f"SELECT array_agg(key ORDER BY at, key), min(at), max(at) FROM ({sql}) AS found (key, at)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        keys, first, last = cursor.fetchone()
    return keys or [], first, last


def _position(at: dict[str, Any], model: type[Model]) -> Position:
    text = at["anchor"]
    is_day = len(text) == len("2026-11-22")
    return (date if is_day else datetime).fromisoformat(text), model._meta.pk.to_python(at["key"])
