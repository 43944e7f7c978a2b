"""By when open requests will be answered if all goes as it usually does, and which of them will miss their day.

What could go wrong: a forecast that asks the database once a request (two queries serve the whole desk), one that calls
a stopped request punctual (it says that it has stopped), or one that pretends to know (a step that hardly anybody has
done yet gives no date). Machines' steps are measured as they run; people's in calendar days, weekends and all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet

from crasme.kit.claims import WorkState
from crasme.kit.clock import controller_day
from privacy.models import Request, Step
from privacy.states import State
from privacy.steps.definitions import ANSWER, Spec, steps_of

LOOK_BACK: Final = timedelta(days=90)
ENOUGH: Final = 5  # steps done; from fewer nobody can tell
DAY: Final = 86_400.0
_HISTORY = """
    SELECT request.kind, step.kind, count(*),
           percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
               ORDER BY extract(epoch FROM step.finished_at - step.created_at)
           )
    FROM privacy_step step JOIN privacy_request request ON request.id = step.request_id
    WHERE step.state = 'done' AND step.finished_at >= %s AND step.finished_at < %s
    GROUP BY GROUPING SETS ((request.kind, step.kind), (step.kind))
    HAVING count(*) >= %s
"""


@dataclass(frozen=True, slots=True)
class Usual:
    """Seconds that a step takes: half of them are faster than `median`, nine of ten faster than `slow`."""

    median: float
    slow: float

    def left(self, gone: float) -> float:
        """Of a step that has taken `gone` seconds. Past both figures nobody knows more than at its beginning."""
        return next((usual - gone for usual in (self.median, self.slow) if usual > gone), self.median)


# (kind of request, step) → usual; under kind "" of all requests together.
History = Mapping[tuple[str, str], Usual]


@dataclass(frozen=True, slots=True)
class Forecast:
    """`expected` is the controller's day; None when too little has been seen to tell. `stuck`: counted as if it went
    on now, which it will not do by itself.
    """

    due: date
    expected: date | None
    stuck: bool

    @property
    def will_miss(self) -> bool:
        return self.expected is not None and self.expected > self.due


def history(now: datetime) -> History:
    """How long steps took that ended in the last 90 days. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, [now - LOOK_BACK, now, ENOUGH])
        return {(kind or "", step): Usual(*taken) for kind, step, _count, taken in cursor.fetchall()}


def of(requests: QuerySet[Any] | Iterable[Request], now: datetime) -> dict[UUID, Forecast]:
    """Forecasts of the open, confirmed ones among `requests`, by id. Two queries, however many there are."""
    pks: Any = requests.values("pk") if isinstance(requests, QuerySet) else [request.pk for request in requests]
    at_work = Step.objects.filter(request__in=pks, round=F("request__round")).exclude(request__state=State.CLOSED)
    rows: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in at_work.values(
        "request",
        "request__kind",
        "request__facts",
        "request__state",
        "request__effective_due",
        "kind",
        "state",
        "created_at",
    ):
        rows[row["request"]].append(row)
    usual = history(now) if rows else {}
    return {pk: _forecast(steps, usual, now) for pk, steps in rows.items()}


def missing(now: datetime) -> list[UUID]:
    """Open requests that are not late yet and will be."""
    today = controller_day(now)
    found = of(Request.objects.open().filter(effective_due__gte=today), now)
    return [pk for pk, forecast in found.items() if forecast.will_miss]


def _forecast(steps: list[dict[str, Any]], usual: History, now: datetime) -> Forecast:
    kind, state = steps[0]["request__kind"], steps[0]["request__state"]
    stages = (ANSWER,) if state == State.ANSWERING else steps_of(kind, steps[0]["request__facts"])
    left = [_left(spec, kind, steps, usual, now) for spec in stages]
    known = [seconds for seconds in left if seconds is not None]
    return Forecast(
        due=steps[0]["request__effective_due"],
        expected=controller_day(now + timedelta(seconds=sum(known))) if len(known) == len(left) else None,
        stuck=any(step["state"] == WorkState.PARKED for step in steps),
    )


def _left(spec: Spec, kind: str, steps: list[dict[str, Any]], usual: History, now: datetime) -> float | None:
    """Seconds that this stage still takes; its steps run beside each other."""
    own = [step for step in steps if step["kind"] == spec.kind]
    waiting = [step for step in own if step["state"] not in (WorkState.DONE, WorkState.CANCELLED)]
    if own and not waiting:
        return 0.0
    taken = usual.get((kind, spec.kind)) or usual.get(("", spec.kind))
    if taken is None:
        return None
    gone = [(now - step["created_at"]).total_seconds() for step in waiting] or [0.0]
    seconds = max(taken.left(each) for each in gone)
    return ceil(round(seconds / DAY, 3)) * DAY if spec.manual else seconds
