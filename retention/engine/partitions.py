"""Time series: whole months are dropped, held rows are carried to a shelf first, the rest of a month is deleted.

One plain transaction a partition, or for several small ones: the holds lock is shared, writers to them are kept out,
held rows copied, what goes is counted and digested, the run's row written, the tables dropped, all committed at once. A
crash anywhere before the commit leaves everything as it was. DROP needs the whole table for an instant; when it does
not get it in three seconds, an instant at a time, the purge gives way and comes back.

The month in which the cut-off lies is cut by stretches of time: one DELETE each, in a transaction of its own, whose
keys are digested where they are deleted. A stretch with a locked row is left to the row by row pass, which comes last,
and only where whole tables and stretches end nothing more.

What could go wrong: a month dropped that still holds younger rows (its bounds, from the catalogue, decide, never its
name), a gap taken for the end (every partition is looked at), a held row lost (what goes is what is not on the shelf).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from psycopg import Cursor
from psycopg.errors import DeadlockDetected, LockNotAvailable

from crasme.kit import calendar, partitions
from crasme.kit.append_only import allow_purge
from crasme.kit.partitions import Partition
from retention import graph, locks, operations, predicate
from retention.engine import checkpoint, digests, rows
from retention.engine.digests import Leaf
from retention.engine.watch import Watch
from retention.models import Rule, Run
from retention.obstacles import Scopes

STRETCH_ROWS = 250_000  # about as many rows are deleted by one statement: a second of work, some megabytes of keys
LEAF_ROWS = 2_000_000  # of a month are digested as one: their keys are held as one value, of some thirty megabytes
AT_ONCE_ROWS = 1_000_000  # of small partitions together: half a second of work
GENTLY = 16  # beside others a statement takes so many times fewer
INSTANT = "100ms"
PATIENCE = (0.05, 0.1, 0.2, 0.4, 0.5, 0.5, 0.5)  # seconds between the attempts at a lock, about three in all
STRETCHES = 1_000  # a month in three quarters of an hour each, at most


def end(run: Run, watch: Watch) -> bool:
    """Drop what is wholly over and delete up to the cut-off; where that ended nothing, row by row what is left there
    and on the shelf (whoever asks whether something is left calls again). False when time ran out before."""
    before = run.rows_total
    watch.give_way()
    for months in _groups(over(run), watch):
        if watch.is_over():
            return False
        with transaction.atomic():
            _drop(run, watch, months)
        watch.reached("partition.committed")
        watch.give_way()
    for since, until in _stretches(run, watch):
        if watch.is_over():
            return False
        _cut(run, watch, since, until)
        watch.give_way()
    return run.rows_total > before or (rows.end(run, watch) and rows.end(run, watch, shelf(run.rule)))


def over(run: Run) -> list[Partition]:
    """The partitions that lie wholly before the cut-off, oldest first."""
    return [each for each in partitions.existing(connection, _table(run.rule)) if each.upper <= run.cutoff]


def shelf(rule: Rule) -> type[Model]:
    """The model that takes held rows."""
    return apps.get_model(rule.carry_to)


def _groups(found: list[Partition], watch: Watch) -> Iterator[list[Partition]]:
    """What goes by one transaction: one partition, or several small ones, whose commit would cost more than they do."""
    group: list[Partition] = []
    for each in found:
        most = AT_ONCE_ROWS // GENTLY if watch.traffic.busy else AT_ONCE_ROWS
        if group and sum(one.rows_estimate for one in [*group, each]) > most:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _drop(run: Run, watch: Watch, months: list[Partition]) -> None:
    checkpoint.begin(run, watch)
    locks.share_holds()
    names = ", ".join(connection.ops.quote_name(each.name) for each in months)
    with connection.cursor() as cursor:
        # Keeps writers out and lets readers go on; DROP below takes what it needs.
        cursor.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        carried = _carry(cursor, run, watch, months)
        watch.reached("partition.carried")
        label = run.rule.model._meta.label_lower
        leaves = _counted(run.rule, label, months)
        gone = sum(rows for _label, rows, _digest in leaves)
        checkpoint.note(
            run,
            watch,
            rows=gone,
            leaves=leaves,
            counts={label: gone, "carried": carried, "partitions": len(months)},
            partitions=[*run.progress.get("partitions", []), *(each.name for each in months)],
        )
        watch.reached("partition.counted")
        _dropped(cursor, watch, names)
        watch.reached("partition.dropped")


def _dropped(cursor: Any, watch: Watch, names: str) -> None:
    """Last, because from here to the commit nobody can read the whole table. Whoever comes while it waits for a reader
    waits behind it: so it waits for an instant only, and comes again a little later."""
    for pause in (*PATIENCE, None):
        try:
            with transaction.atomic():
                cursor.execute(f"SET LOCAL lock_timeout = '{INSTANT}'")
                watch.traffic.blocks()
                cursor.execute(f"DROP TABLE {names}")
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or pause is None:
                raise
            watch.traffic.sleep(pause)
        else:
            return


def _carry(cursor: Any, run: Run, watch: Watch, months: list[Partition]) -> int:
    """Copy what something keeps to the shelf; rows that are there already stay as they are."""
    rule, target = run.rule, shelf(run.rule)
    scopes = Scopes.now()
    # No other partition lies between these: all that is over is taken in the order of its dates.
    kept = predicate.deferred_by_few(rule, run.cutoff, scopes=scopes).filter(
        **{f"{rule.anchor}__gte": months[0].lower, f"{rule.anchor}__lt": months[-1].upper}
    )
    if kept.query.is_empty():
        return 0
    names = [field.attname for field in rule.model._meta.concrete_fields]
    select, parameters = kept.order_by().values_list(*names).query.sql_with_params()
    quote = connection.ops.quote_name
    into = ", ".join(quote(column(target, name)) for name in names)
    cursor.execute(
        f"INSERT INTO {quote(target._meta.db_table)} (carried_at, {into})"  # noqa: S608
        f" SELECT %s, kept.* FROM ({select}) AS kept ON CONFLICT DO NOTHING",
        [watch.now, *parameters],
    )
    return int(cursor.rowcount)


def kept_in_months(rule: Rule, cutoff: datetime) -> tuple[int, int]:
    """How many rows before the cut-off something keeps: in the months that are over as a whole, and in the one that it
    cuts through."""
    kept = predicate.deferred_by_few(rule, cutoff)
    edge = calendar.month_floor(cutoff)
    whole = kept.filter(**{f"{rule.anchor}__lt": edge}).count()
    return whole, kept.filter(**{f"{rule.anchor}__gte": edge}).count()


def _stretches(run: Run, watch: Watch) -> Iterator[tuple[datetime, datetime]]:
    """What lies before the cut-off in the partition that it cuts through: spans, oldest first, of about as many rows.

    None where something points at the rows: the row by row pass knows what to do with that.
    """
    if graph.edges_to(run.rule.model):
        return
    for each in partitions.existing(connection, _table(run.rule)):
        if each.lower < run.cutoff < each.upper:
            since = each.lower
            while since < run.cutoff:
                rows = max(1, STRETCH_ROWS // GENTLY) if watch.traffic.busy else STRETCH_ROWS
                number = min(STRETCHES, 1 + each.rows_estimate // rows)
                until = min(run.cutoff, since + (each.upper - each.lower) / number)
                yield since, until
                since = until


def _cut(run: Run, watch: Watch, since: datetime, until: datetime) -> None:
    """Delete what is over from `since` up to, not including, `until`, in one transaction."""
    rule = run.rule
    label = rule.model._meta.label_lower
    try:
        with transaction.atomic():
            checkpoint.begin(run, watch)
            locks.share_holds()
            found = predicate.releasable(rule, run.cutoff, scopes=Scopes.now())
            gone, digest = _deleted(found.filter(**{f"{rule.anchor}__gte": since, f"{rule.anchor}__lt": until}))
            if not gone:
                return
            watch.reached("slice.deleted")
            checkpoint.note(run, watch, label=label, rows=gone, digest=digest, counts={label: gone})
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
            raise
        run.refresh_from_db(fields=checkpoint.NOTED)  # what was noted of this stretch went back with it
        return
    watch.reached("slice.committed")


def _deleted(found: QuerySet[Any]) -> tuple[int, str]:
    """Delete the rows by one statement; how many there were, and the digest of their keys."""
    model = found.model
    allow_purge(model._meta.db_table)
    delete, values = operations.deletion(found)
    key = connection.ops.quote_name(column(model, model._meta.pk.name))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH deleted AS ({delete} RETURNING {key}) {digests.sql_of_keys(model, key, 'deleted')}", values
        )
        _span, keys = cursor.fetchone()
    return digests.of_batch(model, keys)


def _counted(rule: Rule, label: str, months: list[Partition]) -> list[Leaf]:
    """Of each partition: how many of its rows are not on the shelf, and the digest of their keys. A very large one is
    taken in equal spans of its time, each a leaf of its own ("… 2/3")."""
    spans = [1 + each.rows_estimate // LEAF_ROWS for each in months]
    kept = {(number, span): keys for number, span, keys in _keys(rule, months, spans, on_shelf=True)}
    found = [
        (number, span, *digests.of_batch(rule.model, keys, kept.get((number, span), b"")))
        for number, span, keys in _keys(rule, months, spans)
    ]
    return [
        (f"{label} {months[number].name}" + (f" {1 + span}/{spans[number]}" if spans[number] > 1 else ""), gone, digest)
        for number, span, gone, digest in sorted(found)
    ]


def _keys(
    rule: Rule, months: list[Partition], spans: list[int], *, on_shelf: bool = False
) -> Iterator[tuple[int, int, bytes]]:
    """The keys of each partition and of each span of its time, by their numbers; with `on_shelf` of those rows only
    that are there too."""
    quote = connection.ops.quote_name
    key, anchor = quote(column(rule.model, rule.model._meta.pk.name)), quote(column(rule.model, rule.anchor))
    # By one statement, whose parts PostgreSQL gives to several workers: a digest in order is the work of one each.
    parts: list[str] = []
    values: list[Any] = []
    for number, (each, times) in enumerate(zip(months, spans, strict=True)):
        span, rows = "", f"{quote(each.name)} p"
        if times > 1:
            span = f"width_bucket(p.{anchor}, %s::timestamptz[])"
            values.append([each.lower + (each.upper - each.lower) * place / times for place in range(1, times)])
        if on_shelf:
            rows += f" JOIN {quote(shelf(rule)._meta.db_table)} h USING ({key}, {anchor})"
            rows += f" WHERE h.{anchor} >= %s AND h.{anchor} < %s"  # or all that ever was carried is looked up in each
            values += [each.lower, each.upper]
        sql = digests.sql_of_keys(rule.model, f"p.{key}", rows, span=span)
        parts.append(f"SELECT {number}, leaf.* FROM ({sql}) AS leaf")  # noqa: S608
    # As bytes and one by one: no more is held here than the keys of one leaf.
    with Cursor(connection.connection) as reading:
        yield from reading.stream(" UNION ALL ".join(parts), values, binary=True)


def column(model: type[Model], name: str) -> str:
    """The database's name of a field, given by its own name or its attribute's ("account_id")."""
    return next(str(field.column) for field in model._meta.concrete_fields if name in (field.name, field.attname))


def _table(rule: Rule) -> str:
    return str(rule.model._meta.db_table)
