"""The plan of a request's current round."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from crasme.kit import datamap
from crasme.kit.datamap import Sensitivity
from crasme.kit.statements import Fetch, update
from privacy.errors import Incomplete
from privacy.models import Plan, Request

_OF_ROUND = Fetch(Plan.objects.order_by, "request", "round")


def current(request: Request) -> Plan | None:
    plan = _OF_ROUND.one(request.pk, request.round)
    if plan is not None:
        plan.request = request
    return plan


def approved(request: Request) -> Plan:
    """Incomplete when nobody has approved it: no worker goes on without."""
    plan = current(request)
    if plan is None or plan.approved_at is None:
        raise Incomplete(_("Nobody has approved the plan."), code="not-approved")
    return plan


def executed(plan: Plan, *, now: datetime) -> None:
    plan.executed_at = now
    update(plan, "executed_at")


@dataclass(frozen=True, slots=True)
class KeptLine:
    """What outlives an erasure, in the active language. `matters` (file references of holds) are for staff only;
    `bare` says that only ids and dates stay, which tell nobody anything.
    """

    title: str
    rows: int
    reason: str
    until: date | None
    bare: bool = False
    matters: tuple[str, ...] = ()


def kept_of(plan: Plan | None) -> list[KeptLine]:
    """The kept lines of an erasure plan; empty for a release, which ends nothing."""
    if plan is None:
        return []
    return [
        KeptLine(
            title=_(line["title"]),
            rows=line["rows"],
            reason=_(line["reason"]),
            until=date.fromisoformat(line["until"]) if line["until"] else None,
            bare=_is_bare(line["table"], line["fields"]),
            matters=tuple(line["matters"]),
        )
        for line in plan.content.get("kept", [])
        if datamap.table(line["table"]).exported()  # a table that shows nothing is not to be told of either
    ]


def _is_bare(label: str, fields: list[str]) -> bool:
    declared = datamap.table(label).fields
    return bool(fields) and all(declared[name].sensitivity is Sensitivity.LOW for name in fields)
