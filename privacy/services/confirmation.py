"""A mailbox was proven: the work begins.

What could go wrong: a second request for the same thing delays, outranks or blocks the first. Whoever proves the
mailbox proves it for both, so the earliest open one is confirmed, keeps its earlier clock, and the later one joins it.
Or a stranger's words become the owner's: the name counts of the request alone whose link or code was used.
"""

from datetime import datetime

from django.db import transaction

from crasme.kit.crypto import subject_ref
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person
from privacy import verbs
from privacy.correspondence.queue import enqueue
from privacy.models import Request
from privacy.services import verification
from privacy.services.closing import closed
from privacy.services.intake import first_of_same
from privacy.states import State
from privacy.steps import flow


def confirm_by_link(token: str, *, now: datetime) -> Request:
    """Spend the link; the request whose page it opens. LinkSpent when it is of no use."""
    found = verification.look(token, now=now)
    with transaction.atomic():
        return proven(verification.spend(found, now=now), by="link", now=now)


def confirm_by_code(reference: str, code: str, *, now: datetime) -> Request:
    """The same with a typed code."""
    found = verification.match(reference, code, now=now)
    with transaction.atomic():
        return proven(verification.spend(found, now=now), by="code", now=now)


@transaction.atomic
def proven(request: Request, *, by: str, now: datetime) -> Request:
    """The person has shown that they read the mailbox; the request that goes on. Doing it again changes nothing.

    `by` says how: link, code, or the channel of a request that an agent entered.
    """
    first = first_of_same(request)
    # Locked in the order of arrival, whichever of the two was confirmed, so that two confirmations cannot deadlock.
    pks = sorted(found.pk for found in (first, request) if found is not None)
    locked = {found.pk: found for found in Request.objects.select_for_update().filter(pk__in=pks).order_by("pk")}
    request = locked[request.pk]
    first = locked.get(first.pk) if first is not None else None
    if request.state != State.RECEIVED:
        return request
    _take_name(request)
    if first is not None and first.is_open and _earlier(first, request):
        return _join(request, first, by=by, now=now)
    _begin(request, by=by, now=now)
    return request


def _take_name(request: Request) -> None:
    if request.full_name:
        request.person.full_name = request.full_name
        request.person.save(update_fields=["full_name"])


def _earlier(first: Request, request: Request) -> bool:
    return (first.received_at, first.pk) < (request.received_at, request.pk)


def _join(request: Request, first: Request, *, by: str, now: datetime) -> Request:
    actor = by_person(subject_ref("person", request.person_id))
    if first.state == State.RECEIVED:
        _begin(first, by=by, now=now)
    request.join(first, now=now)
    closed(request, actor=actor, now=now)
    record(verbs.JOINED.name, actor=actor, subject=request.ref, first=first.ref)
    return first


def _begin(request: Request, *, by: str, now: datetime) -> None:
    actor = by_person(subject_ref("person", request.person_id))
    request.confirm(now=now)
    request.save(update_fields=["state", "confirmed_at"])
    record(verbs.CONFIRMED.name, actor=actor, subject=request.ref, by=by)
    enqueue(request, "started", period_key="1", now=now)
    flow.begin(request, now=now)
