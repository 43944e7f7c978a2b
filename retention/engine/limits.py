"""The blast radius: how much a run would end, and whether that is more than its rule may do unasked.

What could go wrong: a clock that jumped a year, or a period with a missing digit. Such a run is parked and seen, not
carried out. For whole partitions the planner's own counts are good enough; everything else is counted.
"""

from datetime import datetime
from decimal import Decimal

from django.db import connection

from crasme.kit import calendar, partitions
from retention import predicate
from retention.models import Rule

# Up to this number of rows a share says nothing: the only row of a small table is all of it.
FEW = 1_000


def measure(rule: Rule, cutoff: datetime) -> tuple[int, Decimal]:
    """Rows that would end, and their share of the table's rows (0 to 1)."""
    if rule.action == Rule.Action.DROP_PARTITIONS:
        rows, whole = _of_partitions(rule, cutoff)
    else:
        rows, whole = predicate.releasable(rule, cutoff).count(), rule.model._base_manager.count()
    return rows, min(Decimal(1), Decimal(rows) / whole).quantize(Decimal("0.00001")) if whole else Decimal(0)


def exceeded(rule: Rule, rows: int, share: Decimal) -> bool:
    """Whether somebody has to approve it."""
    if rule.max_rows is not None and rows > rule.max_rows:
        return True
    return rows > FEW and share > rule.max_share


def _of_partitions(rule: Rule, cutoff: datetime) -> tuple[int, int]:
    every = partitions.existing(connection, rule.model._meta.db_table)
    whole = sum(each.rows_estimate for each in every)
    over = sum(each.rows_estimate for each in every if each.upper <= cutoff)
    slice_of_month = predicate.releasable(rule, cutoff).filter(**{f"{rule.anchor}__gte": calendar.month_floor(cutoff)})
    rows = over + slice_of_month.count()
    return rows, max(whole, rows)
