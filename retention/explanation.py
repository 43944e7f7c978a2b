"""Why a row is still here, and until when, in words that staff and auditors understand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from crasme.kit import datamap
from retention import obstacles
from retention.endings import Ending, Endings
from retention.errors import NoSuchRow, NotInSchedule
from retention.obstacles import Scopes


@dataclass(frozen=True, slots=True)
class Verdict:
    """`until` (aware, UTC) is None where no period has begun or none can; `over` says that the period is over, `kept`
    that something keeps the row whatever the period says; `reasons` are short phrases, the period's own first."""

    label: str
    pk: str
    until: datetime | None
    reasons: tuple[str, ...]
    kept: bool
    over: bool

    def words(self) -> str:
        """ "kept until 2031-03-01: tax law; hold M-17"."""
        because = "; ".join(self.reasons)
        if self.over and self.kept:
            return _("period over on %(day)s, kept: %(because)s") % {"day": self._day(), "because": because}
        if self.over:
            return _("due since %(day)s: %(because)s") % {"day": self._day(), "because": because}
        if self.until is None:
            return _("kept: %(because)s") % {"because": because}
        return _("kept until %(day)s: %(because)s") % {"day": self._day(), "because": because}

    def _day(self) -> str:
        return self.until.date().isoformat() if self.until else ""

    def __str__(self) -> str:
        return self.words()


def explain(label: str, pk: Any, now: datetime) -> Verdict:
    """Why the row stays. NotInSchedule for a table that no rule ends, NoSuchRow when it is gone."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        raise NotInSchedule(_("There is no table of this name.")) from None
    rows = _row(model, pk)
    until, over, reasons = _period(model, rows, now)
    obstacles_found = _kept_by(model, rows)
    return Verdict(
        label=model._meta.label_lower,
        pk=str(pk),
        until=until,
        reasons=(*reasons, *obstacles_found),
        kept=bool(obstacles_found),
        over=over,
    )


def _row(model: type[Model], pk: Any) -> QuerySet[Any]:
    try:
        rows = model._base_manager.filter(pk=pk)
        found = rows.exists()
    except (ValidationError, ValueError, TypeError):
        found = False
    if not found:
        raise NoSuchRow(_("There is no such row (any more)."))
    return rows


def _period(model: type[Model], rows: QuerySet[Any], now: datetime) -> tuple[datetime | None, bool, tuple[str, ...]]:
    """When the row's period ends, whether it is over, and why it is kept until then."""
    endings = _endings(model)
    if isinstance(endings, str):
        return None, False, (endings,)
    ends = [(ending, ending.last(rows)) for ending in endings]
    begun = [(ending, until) for ending, until in ends if until is not None]
    if not begun:
        first = endings[0]
        waiting = _("%(reason)s The period of %(period)s has not begun")
        return None, False, (waiting % {"reason": first.rule.legal_reason, "period": first.rule.length.words()},)
    # What ends first has acted already where a later one has begun: an erased account waits for its tombstone's end.
    ending, until = begun[-1]
    return until, ending.over(rows, now), (ending.rule.legal_reason.rstrip("."),)


def _endings(model: type[Model]) -> list[Ending] | str:
    """The rules that end the table, or the reason why none can."""
    table = obstacles.table_of(model)
    every = Endings()
    if table is None:
        target = model._meta.label_lower
        found = [Ending(rule, rule.anchor) for rule in every.rules.values() if rule.target.lower() == target]
        if found:
            return found
    elif found := every.of(table):
        return found
    elif table.ends_reason:
        return table.ends_reason
    raise NotInSchedule(_("No active rule ends this table."))


def _kept_by(model: type[Model], rows: QuerySet[Any]) -> tuple[str, ...]:
    scopes = Scopes.now()
    found = [_("hold %(matter)s") % {"matter": matter} for matter in obstacles.matters(model, rows)]
    held = obstacles.held(model, scopes)
    if not found and held is not None and rows.filter(held).exists():
        found.append(_("on hold"))
    if _restricted(model, rows):
        found.append(_("processing is restricted"))
    leant_on = obstacles.leant_on(model, scopes)
    if leant_on is not None and rows.filter(leant_on).exists():
        found.append(_("something on hold depends on it"))
    return tuple(found)


def _restricted(model: type[Model], rows: QuerySet[Any]) -> bool:
    table = obstacles.table_of(model)
    if table is None or (path := table.subject.get("account")) is None:
        return False
    accounts = datamap.table("crm.Account").model._base_manager.filter(pk__in=rows.order_by().values(path))
    return accounts.filter(restricted_at__isnull=False).exists()
