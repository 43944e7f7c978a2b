"""P5.1 to P5.7 and P8.5: requests, by their clocks. P11.1: how soon a human answered."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, Min, Q
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _, ngettext

from crasme.kit.clock import controller_day
from privacy.models import Controller, Request
from privacy.promises.registry import Status, Verdict, promise
from privacy.states import Outcome

LOOK_BACK = timedelta(days=90)
SATURDAY = 5
Kind = Request.Kind
ANSWERED = (Outcome.GRANTED, Outcome.PARTLY, Outcome.REFUSED)


KINDS = {
    "P5.1": Kind.ACCESS,
    "P5.2": Kind.CORRECTION,
    "P5.3": Kind.DELETION,
    "P5.4": Kind.PORTABILITY,
    "P5.5": Kind.OPT_OUT,
    "P5.6": Kind.RESTRICTION,
    "P8.5": Kind.DELETION,
}
FIGURES = ("open", "overdue", "at_risk", "answered", "answered_late")


@promise(*KINDS, "P5.7")
def in_time(now: datetime) -> dict[str, Verdict]:
    """Broken by one open request past its day; at risk by one that is close to it, or stuck. Five queries for all."""
    counted = _counted(now)
    everything = {name: sum(by_kind.values()) for name, by_kind in counted.items()}
    verdicts = {
        number: verdict({name: by_kind.get(kind, 0) for name, by_kind in counted.items()})
        for number, kind in KINDS.items()
    }
    return verdicts | {"P5.7": verdict(everything)}


def _counted(now: datetime) -> dict[str, dict[str, int]]:
    """Figure → kind → number of requests."""
    today = controller_day(now)
    requests = Request.objects.order_by()
    closed_on = TruncDate("closed_at", tzinfo=ZoneInfo(settings.CONTROLLER_ZONE))
    answered = requests.filter(closed_at__gte=now - LOOK_BACK, outcome__in=ANSWERED)
    late = answered.annotate(closed_on=closed_on).filter(closed_on__gt=F("effective_due"))
    sets = (requests.open(), requests.overdue(today), requests.at_risk(today), answered, late)
    return {
        name: dict(rows.values("kind").annotate(number=Count("pk")).values_list("kind", "number"))
        for name, rows in zip(FIGURES, sets, strict=True)
    }


def verdict(figures: dict[str, int]) -> Verdict:
    """The figures of FIGURES in words; further ones are passed on."""
    if figures["overdue"]:
        evidence = ngettext(
            "%(overdue)s of %(open)s open requests is overdue.",
            "%(overdue)s of %(open)s open requests are overdue.",
            figures["overdue"],
        )
        return Verdict(Status.BROKEN, evidence % figures, figures)
    if figures["at_risk"]:
        evidence = ngettext(
            "%(at_risk)s of %(open)s open requests is close to its day, or stuck.",
            "%(at_risk)s of %(open)s open requests are close to their day, or stuck.",
            figures["at_risk"],
        )
        return Verdict(Status.AT_RISK, evidence % figures, figures)
    evidence = ngettext(
        "%(open)s open, none late. Of %(answered)s answered in 90 days, %(answered_late)s was late.",
        "%(open)s open, none late. Of %(answered)s answered in 90 days, %(answered_late)s were late.",
        figures["answered_late"],
    )
    return Verdict(Status.KEPT, evidence % figures, figures)


@promise("P11.1")
def first_answer(now: datetime) -> Verdict:
    """From receipt to the first mail that a person wrote (or to the answer itself), in working days."""
    within = Controller.objects.current().first_answer_working_days
    soon = late = waiting = 0
    for received_on, answered_on, requests in _first_answers(now):
        if working_days(received_on, answered_on or controller_day(now)) > within:
            late += requests
        elif answered_on is None:
            waiting += requests
        else:
            soon += requests
    figures = {"within_working_days": within, "in_time": soon, "late": late, "waiting": waiting}
    if not soon + late + waiting:
        return Verdict(Status.UNKNOWN, _("Nobody asked anything in the last 90 days."), figures)
    evidence = _(
        "Requests of the last 90 days: %(asked)s. A person answered first within %(within_working_days)s working days:"
        " %(in_time)s. Later than that, or not yet although it is due: %(late)s. Not due yet: %(waiting)s."
    )
    said = evidence % (figures | {"asked": soon + late + waiting})
    return Verdict(Status.AT_RISK if late else Status.KEPT, said, figures)


def _first_answers(now: datetime) -> list[tuple[date, date | None, int]]:
    """(day of receipt, day of the first human answer or None, number of requests) over the confirmed of 90 days."""
    zone = ZoneInfo(settings.CONTROLLER_ZONE)
    written = Min("messages__created_at", filter=Q(messages__direction="out", messages__written_by__isnull=False))
    confirmed = Request.objects.filter(received_at__gte=now - LOOK_BACK, confirmed_at__isnull=False)
    rows = confirmed.annotate(written=written).values_list("received_on", "written", "closed_at")
    counted: dict[tuple[date, date | None], int] = {}
    for received_on, first, closed in rows.iterator():
        moments = [moment for moment in (first, closed) if moment is not None]
        key = (received_on, min(moments).astimezone(zone).date() if moments else None)
        counted[key] = counted.get(key, 0) + 1
    return [(received, answered, number) for (received, answered), number in counted.items()]


def working_days(first: date, last: date) -> int:
    """Monday to Friday after `first`, up to and with `last`; holidays are not known here."""
    days = max(0, (last - first).days)
    weeks, rest = divmod(days, 7)
    return weeks * 5 + sum((first + timedelta(days=weeks * 7 + n)).weekday() < SATURDAY for n in range(1, rest + 1))
