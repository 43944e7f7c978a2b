"""The blast radius: how much a run would end, and whether that is more than its rule may do unasked.

What could go wrong: a clock that jumped a year, or a period with a missing digit. Such a run is parked and seen, not
carried out: it ends more rows than the rule allows, more of the table, or far more than its runs ever did. A period
that was shortened is such a case too: its first run ends at once what months would have ended. For whole partitions
the planner's own counts are good enough; everything else is counted.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Any, Final

from django.db import connection

from crasme.kit import calendar, partitions
from retention import fields, predicate
from retention.errors import RuleBroken
from retention.models import Rule, Run

# Up to this number of rows a share, or a history, says nothing: the only row of a small table is all of it.
FEW = 1_000
# What is unusual: this many times as much as in the middle one of the rule's last runs that ended anything, and more
# than any of them (a table whose rows come once a month has quiet days between).
TIMES: Final = 10
LAST_RUNS: Final = 30
FEWEST_RUNS: Final = 3  # with fewer there is no habit yet; the first run of all clears what piled up before


def measure(rule: Rule, cutoff: datetime, *, exact: bool = False, kept: int = 0) -> tuple[int, Decimal]:
    """Rows that would end, and their share of the table's rows (0 to 1). `kept` are those of whole months that stay,
    which the planner's figures count in."""
    if rule.action == Rule.Action.DROP_PARTITIONS and not exact:
        rows, whole = _of_partitions(rule, cutoff, kept)
    else:
        rows, whole = predicate.releasable(rule, cutoff).count(), rule.model._base_manager.count()
    return rows, min(Decimal(1), Decimal(rows) / whole).quantize(Decimal("0.00001")) if whole else Decimal(0)


def reasons(rule: Rule, rows: int, share: Decimal) -> Iterator[dict[str, Any]]:
    """Why somebody has to approve it: `{"why": "rows" | "share" | "unusual" | "changed", "limit": …}`; none when nobody
    has to."""
    if rule.max_rows is not None and rows > rule.max_rows:
        yield {"why": "rows", "limit": rule.max_rows}
    if rows <= FEW:
        return
    if share > rule.max_share:
        yield {"why": "share", "limit": str(rule.max_share)}
    usual = _usual(rule)
    if usual is not None and rows > usual:
        yield {"why": "unusual", "limit": usual}
    before = _before_change(rule)
    if before is not None and rows > before + FEW:
        yield {"why": "changed", "limit": before}


def _before_change(rule: Rule) -> int | None:
    """What the rule before it would have ended when this one came into force; None once this one has had a run, and
    for the first of its name. Between a change and its first run nothing else says what is usual."""
    if Run.objects.filter(rule=rule, state=Run.State.DONE).exists():
        return None
    earlier = Rule.objects.filter(slug=rule.slug, state=Rule.State.RETIRED).exclude(pk=rule.pk)
    before = earlier.order_by("-effective_from", "-pk").first()
    if before is None:
        return None
    if before.action == Rule.Action.KEEP or not before.period:
        return 0
    try:
        fields.require(before)
    except RuleBroken:
        return 0  # it ended nothing any more: that is why it was changed
    return measure(before, before.cutoff(rule.effective_from))[0]


def _usual(rule: Rule) -> int | None:
    """The most that still looks like this rule, by its last runs; a rule's earlier versions count."""
    ended = Run.objects.filter(rule__slug=rule.slug, state=Run.State.DONE, rows_total__gt=0)
    last = list(ended.order_by("-started_at", "-id").values_list("rows_total", flat=True)[:LAST_RUNS])
    return max(FEW, int(TIMES * median(last)), *last) if len(last) >= FEWEST_RUNS else None


def _of_partitions(rule: Rule, cutoff: datetime, kept: int) -> tuple[int, int]:
    every = partitions.existing(connection, rule.model._meta.db_table)
    whole = sum(each.rows_estimate for each in every)
    over = sum(each.rows_estimate for each in every if each.upper <= cutoff)
    slice_of_month = predicate.releasable(rule, cutoff).filter(**{f"{rule.anchor}__gte": calendar.month_floor(cutoff)})
    rows = max(0, over - kept) + slice_of_month.count()
    return rows, max(whole, rows)
