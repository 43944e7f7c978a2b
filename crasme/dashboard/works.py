"""What runs by itself: the last retention runs, how far rules are behind, and work that stopped and needs a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as say, gettext_lazy as _

from crasme.dashboard import links
from privacy import troubles
from privacy.models import Message, Step, WebhookDelivery, WebhookEndpoint
from retention import runway, wording
from retention.models import Run, Standing

SHOWN: Final = 6
TONES: Final = {
    Run.State.DONE: "good", Run.State.RUNNING: "info", Run.State.WAITING: "warn", Run.State.STOPPED: "bad",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunLine:
    run: Run
    tone: str
    link: str

    @property
    def state(self) -> str:
        return wording.state(self.run)

    @property
    def waits(self) -> bool:
        return self.run.state == Run.State.WAITING


@dataclass(frozen=True, slots=True)
class Parked:
    """Rows of one kind that wait for a person; `errors` says why, the most frequent first."""

    title: str | Promise
    rows: int
    errors: str
    link: str


def runs() -> list[RunLine]:
    """The newest runs; those that wait for somebody come first, however old they are."""
    waiting = list(Run.objects.open().select_related("rule").order_by("-started_at")[:SHOWN])
    done = Run.objects.filter(state=Run.State.DONE).select_related("rule").order_by("-started_at")
    shown = waiting + list(done[: SHOWN - len(waiting)])
    return [RunLine(run, TONES[Run.State(run.state)], links.to_row(run)) for run in shown]


@dataclass(frozen=True, slots=True)
class Behind:
    """One line about what is not ended, or not made, in time; `tone` is "bad", "warn" or "good"."""

    title: str
    words: str
    tone: str
    link: str


def measured() -> bool:
    """Whether anybody has looked yet how far the rules are behind: it is done once an hour, not at the start."""
    return Standing.objects.exists()


def behind(now: datetime) -> list[Behind]:
    """Rules by their oldest overdue row, the worst first, and partitioned tables whose months run out. Nothing about
    rules before they were `measured` once."""
    standings = list(Standing.objects.select_related("rule"))
    due = sorted((each for each in standings if each.due), key=lambda each: each.overdue(now), reverse=True)
    found = [
        Behind(table, _months(months), "bad" if months < 1 else "warn", "")
        for table, months in runway.short(now).items()
    ]
    if standings and now - min(each.taken_at for each in standings) > timedelta(hours=3):
        found.append(Behind(say("Measurements"), say("have not been taken for hours"), "warn", ""))
    for each in due[:SHOWN]:
        tone = "bad" if each.is_late(now) else "good"
        found.append(Behind(each.rule.slug, wording.overdue(each, now), tone, links.to_row(each.rule)))
    return found


def _months(number: int) -> str:
    if number < 0:
        return say("the partition of this month is missing")
    return say("partitions for %(n)d more months") % {"n": number}


def parked() -> list[Parked]:
    """Only kinds that have any: an empty list is good news."""
    found = (
        _parked(_("Steps"), Step.objects.parked(), "?state__exact=parked"),
        # A mail that went out and came back waits for a person just as one that never went.
        _parked(_("Messages"), Message.objects.undelivered(), "?mail=undelivered", silent="came-back"),
        _parked(_("Webhook deliveries"), WebhookDelivery.objects.parked(), "?state__exact=parked"),
        _parked(_("Webhooks that were switched off"), WebhookEndpoint.objects.given_up(), "", code="off_why"),
    )
    return [kind for kind in found if kind.rows]


def _parked(
    title: str | Promise, rows: QuerySet[Any], query: str, *, code: str = "last_error", silent: str = ""
) -> Parked:
    """`silent`: what rows without a code have in common."""
    codes: dict[str, int] = {}
    for each in rows.values_list(code, flat=True)[:1000]:
        codes[each or silent] = codes.get(each or silent, 0) + 1
    frequent = sorted(codes, key=lambda code: -codes[code])[:3]
    return Parked(
        title, rows.count(), troubles.several([each for each in frequent if each]), links.to_list(rows.model, query)
    )
