"""A mailbox was proven: the work begins.

What could go wrong: a second request for the same thing delays, outranks or blocks the first. Whoever proves the
mailbox proves it for both, so the earliest open one is confirmed, keeps its earlier clock, and the later one joins it.
Or a stranger's words become the owner's: the name counts of the request alone whose link or code was used.
"""

from datetime import datetime

from django.db import transaction

from crasme.kit.crypto import subject_ref
from crasme.kit.statements import Fetch, update
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person
from privacy import rows, verbs
from privacy.models import Request
from privacy.services import people, representatives, verification
from privacy.services.beginning import begin
from privacy.services.closing import closed
from privacy.services.intake import first_of_same
from privacy.states import State

_LED = Fetch(lambda: Request.objects.order_by("pk"), "lead")


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

    What was asked in the same message is proven with it. `by` says how: link, code, or the channel of a request that
    an agent entered.
    """
    lead = request.lead_id or request.pk
    together = [rows.seen(lead), *_LED(lead)]
    # What a representative asked goes on by itself: joined, its answer would never reach them.
    alone = representatives.of(together[0]) is not None
    first = {asked.pk: found.pk for asked in together if not alone and (found := first_of_same(asked)) is not None}
    # Locked in the order of arrival, whichever of them was confirmed, so that two confirmations cannot deadlock.
    pks = {asked.pk for asked in together} | set(first.values())
    locked = {pk: rows.locked(pk) for pk in sorted(pks)}
    goes_on = {
        asked.pk: _prove(locked[asked.pk], locked.get(first.get(asked.pk)), by=by, now=now) for asked in together
    }
    return goes_on[request.pk]


def _prove(request: Request, first: Request | None, *, by: str, now: datetime) -> Request:
    if request.without_proof and request.kind == Request.Kind.CHILD:
        _prove_late(request, by=by)
    if request.state != State.RECEIVED:
        return request
    _take_name(request)
    if first is not None and first.is_open and _earlier(first, request):
        return _join(request, first, by=by, now=now)
    _begin(request, by=by, now=now)
    return request


def _prove_late(request: Request, *, by: str) -> None:
    """The report was taken up without a proof; now there is one, and its sender is no stranger any more."""
    people.known_again(request)
    request.without_proof = False
    request.save(update_fields=["without_proof"])
    _take_name(request)
    actor = by_person(subject_ref("person", request.person_id))
    record(verbs.CONFIRMED.name, actor=actor, subject=request.ref, by=by)


def _take_name(request: Request) -> None:
    if request.full_name:
        request.person.full_name = request.full_name
        update(request.person, "full_name")


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
    people.known_again(request)
    begin(request, by=by, now=now)
