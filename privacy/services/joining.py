"""Joining two requests for the same thing, because a colleague sees that they are one.

What could go wrong: a duplicate delays, outranks or blocks the first. Whichever page the colleague is on, the one that
was received first goes on under its own, earlier clock, and what the later one has proven holds for it as well: it is
one mailbox. Two that nobody has proven are left alone, or whoever answered the second mail would find a closed door. Or
a claim comes in by the back door: what a representative asks for somebody who has not confirmed it neither joins what
the person asked, nor is it begun or closed by it; whether it speaks for them, they say on its own page.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.errors import MoveNotAllowed
from privacy.models import Request
from privacy.services import people, representatives
from privacy.services.beginning import begin
from privacy.services.closing import closed
from privacy.services.desk import require
from privacy.states import Outcome, State

LATELY: Final = timedelta(days=30)
ANSWERED: Final = (Outcome.GRANTED, Outcome.PARTLY, Outcome.REFUSED)


def others(request: Request) -> QuerySet[Request]:
    """Open requests of the same person for the same thing that this one can be joined with, the earliest first."""
    if _is_claim(request):
        return Request.objects.none()
    same: QuerySet[Request] = Request.objects.same_wish(request).without_claims().order_by("received_at", "pk")
    return same


def answered_lately(request: Request) -> QuerySet[Request]:
    """The same, answered in the 30 days before this one arrived: a hint that it may be excessive, and no more."""
    since = request.received_at - LATELY
    same = Request.objects.filter(person=request.person_id, kind=request.kind, outcome__in=ANSWERED)
    answered: QuerySet[Request] = same.filter(closed_at__range=(since, request.received_at)).exclude(pk=request.pk)
    return answered.order_by("-closed_at")


@transaction.atomic
def join(request: Request, other: Request, *, by: User, now: datetime) -> Request:
    """Close the one that came later as a duplicate of the one that came first, which is returned and goes on."""
    require(by, "work_request")
    # Locked in the order in which everybody locks them, so that two colleagues cannot deadlock.
    rows = Request.objects.select_for_update(of=("self",)).filter(pk__in=(request.pk, other.pk)).order_by("pk")
    pair: list[Request] = sorted(rows.select_related("person"), key=lambda row: (row.received_at, row.pk))
    if len(pair) != 2 or (pair[0].person_id, pair[0].kind) != (pair[1].person_id, pair[1].kind):
        raise MoveNotAllowed(_("Only two requests of one person for the same thing can be joined."), remedy="")
    first, later = pair
    if not (first.is_open and later.is_open):
        raise MoveNotAllowed(_("One of them is closed already."))
    if _is_claim(first) or _is_claim(later):
        raise MoveNotAllowed(
            _("A representative asks for it, and the person has not confirmed that."),
            remedy=_("Once the person has confirmed it, the two can be joined."),
        )
    if _representative(first) != _representative(later):
        raise MoveNotAllowed(
            _("The answer of one of them goes to a representative, as the person wants."),
            remedy=_("Answer both; joined, only one of the two answers would go out."),
        )
    if first.state == State.RECEIVED:
        _begin(first, later, now=now)
    if first.assignee_id is None and later.assignee_id is not None:
        first.assignee, first.instead_of = later.assignee, later.instead_of
        first.save(update_fields=["assignee", "instead_of"])
    later.join(first, now=now)
    closed(later, actor=by.ref, now=now)
    record(verbs.JOINED.name, actor=by.ref, subject=later.ref, first=first.ref)
    return first


def _is_claim(request: Request) -> bool:
    return request.state == State.RECEIVED and representatives.of(request) is not None


def _representative(request: Request) -> str | None:
    """The address of whoever gets the answer beside the person; None where nobody does."""
    found = representatives.of(request)
    return found.email if found is not None and found.release_to == found.ReleaseTo.REPRESENTATIVE else None


def _begin(first: Request, later: Request, *, now: datetime) -> None:
    """The proof of the later one holds for the first."""
    if later.confirmed_at is None or later.without_proof:
        raise MoveNotAllowed(
            _("Nobody has confirmed either of them yet."),
            remedy=_("Whoever confirms one of them confirms both, and they are joined by themselves."),
        )
    people.known_again(first)
    begin(first, by="joined", now=now)
