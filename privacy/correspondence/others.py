"""What letters say of the part that somebody else has in a request: a child, a customer, a representative.

`facts` is for a real message, `invented` for the sample that staff see while they write a text of their own.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext as _, gettext_lazy

from crasme.kit.statements import Fetch
from privacy.clock.rules import CHILD_DAYS
from privacy.correspondence.periods import in_words
from privacy.correspondence.placeholders import day
from privacy.models import Message, Plan, Referral, Request
from privacy.refusals import refusal_of
from privacy.services import referrals, representatives
from privacy.states import Outcome
from privacy.words import THEIR_WISHES

Facts = dict[str, Any]
PlanOf = Callable[[], Plan | None]
_PASSED_ON = Fetch(lambda: Referral.objects.select_related("organisation").order_by("found_at", "pk"), "request")
UNCONFIRMED = gettext_lazy("The person has not confirmed the request yet; nothing is done before.")
WORKED_ON = gettext_lazy("The request is confirmed and being worked on.")
OVER = gettext_lazy("The request is closed.")
MANDATES = {
    "claimed": gettext_lazy("Nobody here has looked at your mandate yet."),
    "accepted": gettext_lazy("Your mandate is accepted. The answer comes to you if the person says so."),
    "rejected": gettext_lazy("Your mandate is not accepted. The answer goes to the person alone."),
}
ONLY_CUSTOMERS = gettext_lazy(
    "We looked through every place where your data can be. We ourselves hold nothing about you except this request;"
    " what there is was written by customers of ours."
)
CUSTOMERS_BESIDES = gettext_lazy(
    "Your request to us goes its way. Besides, customers of ours have written something about you."
)


def when_said[**P](find: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
    """A value that is looked up when a letter first says it, in the language that is active then; most say little."""
    return SimpleLazyObject(partial(find, *args, **kwargs))


def facts(message: Message, plan_of: PlanOf, *, now: datetime) -> Facts:
    request, referral = message.request, message.referral
    return {
        "case_url": settings.SITE_URL + reverse("admin:privacy_request_change", args=[request.pk]),
        "child_days": CHILD_DAYS,
        "child_result": when_said(_child_result, plan_of, now=now),
        "their_wish": THEIR_WISHES[request.kind],
        "customer": referral.organisation.name if referral else "",
        "passed_on": referral.sent_at if referral else None,
        "act_by": referral.due_on if referral else None,
        "customers": when_said(customers, request),
        "customers_intro": when_said(_intro, request),
        "standing": standing_of(request),
        "mandate_standing": when_said(_mandate, request),
        "their_result": their_result(request.kind, request.outcome, request.refusal_reason),
    }


def invented(kind: str, now: datetime, *, sparse: bool) -> Facts:
    return {
        "case_url": f"{settings.SITE_URL}{reverse('admin:privacy_request_changelist')}…/",
        "child_days": CHILD_DAYS,
        "child_result": child_result(not sparse, now=now),
        "their_wish": THEIR_WISHES[kind],
        "customer": _("Example Ltd."),
        "passed_on": datetime.fromisoformat("2030-05-02T12:00+00:00"),
        "act_by": date(2030, 5, 12),
        "customers": [] if sparse else [_told(_("Example Ltd."), date(2030, 5, 2), date(2030, 5, 12))],
        "customers_intro": str(CUSTOMERS_BESIDES if sparse else ONLY_CUSTOMERS),
        "standing": str(WORKED_ON),
        "mandate_standing": str(MANDATES["accepted" if sparse else "claimed"]),
        "their_result": their_result(kind, "granted" if sparse else "refused", "" if sparse else "excessive"),
    }


def standing_of(request: Request) -> str:
    """Where it stands, for somebody who may know no more."""
    if request.is_unconfirmed:
        return str(UNCONFIRMED)
    return str(WORKED_ON if request.is_open else OVER)


def _mandate(request: Request) -> str:
    found = representatives.of(request)
    return str(MANDATES[found.state]) if found else ""


def their_result(kind: str, outcome: str, reason: str) -> str:
    """How the request of the person came out, in a sentence."""
    if reason and (refusal := refusal_of(kind, reason)) is not None:
        return " ".join(map(str, (_("It was refused."), refusal.reason, refusal.remedy)))
    return _("It was done in part.") if outcome == Outcome.PARTLY else _("It was done.")


def customers(request: Request) -> list[str]:
    """A line for each customer who wrote about the person, in the active language."""
    return [
        _told(each.organisation.name, each.sent_at, each.due_on)
        if each.sent_at
        else _("%(customer)s: not passed on yet") % {"customer": each.organisation.name}
        for each in _PASSED_ON(request.pk)
    ]


def _told(customer: str, passed_on: date, act_by: date | None) -> str:
    words = {"customer": customer, "day": day(passed_on), "until": day(act_by)}
    return _("%(customer)s: passed on, on %(day)s; we asked them to act by %(until)s") % words


def _intro(request: Request) -> str:
    words: Promise = ONLY_CUSTOMERS if referrals.was_the_answer(request) else CUSTOMERS_BESIDES
    return str(words)


def _child_result(plan_of: PlanOf, *, now: datetime) -> str:
    return child_result((plan := plan_of()) is not None and plan.executed_at is not None, now=now)


def child_result(executed: bool, *, now: datetime) -> str:
    if not executed:
        return _("We have looked at your report and closed it; nothing was deleted.")
    return _(
        "We have deleted what we held about the child, and searched our systems afterwards to make sure. Copies in"
        " backups are gone within %(period)s."
    ) % {"period": in_words(now)["backups"]}
