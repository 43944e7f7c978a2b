"""What a hold catches, table by table, for whoever placed it: a hold on the wrong thing is seen at once, not in court.

What could go wrong: a page that counts fifty million rows. So each count stops early, and nothing depends on it: what
may not be deleted is asked of the hold's items, by `retention.obstacles`.
"""

from collections.abc import Iterable
from functools import partial
from typing import Final

from crasme.kit import datamap
from retention import counting, coverage, obstacles, wording
from retention.models import Hold, HoldItem

UP_TO: Final = 10_000
Scope = HoldItem.Scope


def caught(hold: Hold) -> list[tuple[str, str]]:
    """(table, number of rows in words) of what the hold covers now; tables without any are left out."""
    items = list(hold.items.all())
    found = []
    for table in datamap.tables():
        covered = obstacles.any_of(*(each for item in items for each in coverage.caught(table.model, item)))
        if covered is None:
            continue
        rows = counting.up_to(partial(table.model._base_manager.filter, covered), UP_TO)
        if rows:
            found.append((str(table.model._meta.verbose_name_plural), counting.words(rows, UP_TO)))
    return found


def scopes(items: Iterable[HoldItem]) -> str:
    """What a hold covers, without naming anybody: "2 × one account; a category of data (billing)"."""
    counted: dict[str, int] = {}
    for item in sorted(items, key=lambda each: Scope.values.index(each.scope)):
        counted[_said(item)] = counted.get(_said(item), 0) + 1
    return "; ".join(f"{number} × {said}" if number > 1 else said for said, number in counted.items())


def in_words(item: HoldItem) -> str:
    """Which thing an item covers, without naming anybody: an account by the end of its id."""
    if item.scope == Scope.RECORD:
        return f"{_said(item)}: {wording.table(item.label)}, {item.record}"
    what = item.account or item.organisation
    return f"{_said(item)}: {what}" if what is not None else _said(item)


def _said(item: HoldItem) -> str:
    more = [str(item.get_category_display())] if item.category else []
    if item.scope == Scope.PERIOD:
        more.insert(0, f"{item.since} – {item.until}")
    if item.scope == Scope.RECORD:
        more.append(item.label)
    scope = str(item.get_scope_display())
    return f"{scope} ({', '.join(more)})" if more else scope
