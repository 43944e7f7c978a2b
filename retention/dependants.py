"""What hangs off one account, table by table: how many rows, until when the last of them stays, how many are kept."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.kit import datamap
from retention import counting, grounds, obstacles
from retention.endings import Endings
from retention.obstacles import Scopes


@dataclass(frozen=True, slots=True)
class Dependants:
    """`until` (aware, UTC) is when the last row's period is over; None where one has not begun or none can. `kept` rows
    stay whatever their period says; `rows` is None where they cannot be counted while somebody waits."""

    title: str
    rows: int | None
    kept: int
    until: datetime | None
    over: bool

    def words(self) -> str:
        if self.rows is None:
            return _("too many to count while you wait")
        day = {"day": self.until.date().isoformat() if self.until else ""}
        if self.until is None:
            until = _("no period has begun")
        else:
            until = _("period over on %(day)s") % day if self.over else _("kept until %(day)s") % day
        return "; ".join((until, _("%(count)s kept whatever it says") % {"count": self.kept})) if self.kept else until


def of_account(pk: Any, now: datetime) -> Iterator[Dependants]:
    """One statement for each table with rows that belong to an account; tables without any are left out."""
    endings, scopes = Endings(), Scopes.now()
    for table in datamap.tables():
        path = table.subject.get("account")
        if path is None or table.model is Account or not obstacles.keepable(table):
            continue
        ending = endings.final(table)
        keeping = grounds.kept(table.model, ending, scopes)
        asked: dict[str, Any] = {
            "rows": Count("pk"),
            "kept": Count("pk", filter=keeping if keeping is not None else Q(pk__in=[])),
        }
        if ending is not None:
            asked |= {"begun": Count(ending.path), "last": Max(ending.path)}
        rows = table.model._base_manager.filter(**{path: pk}).order_by()
        found = counting.in_time(functools.partial(rows.aggregate, **asked))
        if found is None:
            yield Dependants(str(table.title), None, 0, None, over=False)
        elif found["rows"]:
            has_end = ending is not None and found["begun"] == found["rows"]
            until = ending.until(found["last"]) if ending is not None and has_end else None
            over = until is not None and until < now
            yield Dependants(str(table.title), found["rows"], found["kept"], until, over)
