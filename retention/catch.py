"""What a hold catches, table by table, for whoever placed it: a hold on the wrong thing is seen at once, not in court.

What could go wrong: a page that counts fifty million rows. So each count stops early, and nothing depends on it: what
may not be deleted is asked of the hold's items, by `retention.obstacles`.
"""

from collections.abc import Iterable
from typing import Final

from django.db.models import DateTimeField, Q

from crasme.crm.models import Account
from crasme.kit import datamap
from crasme.kit.calendar import start_of
from crasme.kit.datamap import Table
from retention import counting, obstacles
from retention.models import Hold, HoldItem

UP_TO: Final = 10_000
Scope = HoldItem.Scope


def caught(hold: Hold) -> list[tuple[str, str]]:
    """(table, number of rows in words) of what the hold covers now; tables without any are left out."""
    items = list(hold.items.all())
    found = []
    for table in datamap.tables():
        covered = obstacles.any_of(*(_covered(table, item) for item in items))
        if covered is None:
            continue
        rows = counting.up_to(table.model._base_manager.filter(covered), UP_TO)
        if rows:
            found.append((str(table.model._meta.verbose_name_plural), counting.words(rows, UP_TO)))
    return found


def scopes(items: Iterable[HoldItem]) -> str:
    """What a hold covers, without naming anybody: "2 × one account; a category of data (billing)"."""
    counted: dict[str, int] = {}
    for item in sorted(items, key=lambda each: Scope.values.index(each.scope)):
        counted[_said(item)] = counted.get(_said(item), 0) + 1
    return "; ".join(f"{number} × {said}" if number > 1 else said for said, number in counted.items())


def _said(item: HoldItem) -> str:
    more = [str(item.get_category_display())] if item.category else []
    if item.scope == Scope.PERIOD:
        more.insert(0, f"{item.since} – {item.until}")
    if item.scope == Scope.RECORD:
        more.append(item.label)
    scope = str(item.get_scope_display())
    return f"{scope} ({', '.join(more)})" if more else scope


def _covered(table: Table, item: HoldItem) -> Q | None:
    path = table.subject.get("account")
    match item.scope:
        case Scope.ACCOUNT:
            return Q(**{path: item.account_id}) if path else None
        case Scope.ORGANISATION:
            own = [Q(**{name: item.organisation_id}) for name in obstacles.organisation_fields(table.model)]
            accounts = Account._base_manager.filter(organisation=item.organisation_id).values("pk")
            return obstacles.any_of(*own, Q(**{f"{path}__in": accounts}) if path else None)
        case Scope.CATEGORY:
            return Q(pk__isnull=False) if item.category == table.category.value else None
        case Scope.PERIOD:
            day = obstacles.date_path(table)
            if day is None or item.category not in ("", table.category.value):
                return None
            since, until = item.since, item.until
            if isinstance(table.model._meta.get_field(day), DateTimeField) and since and until:
                return Q(**{f"{day}__gte": start_of(since), f"{day}__lt": start_of(until)})
            return Q(**{f"{day}__gte": since, f"{day}__lt": until})
        case _:
            return Q(pk=item.record) if item.label == table.label.lower() else None
