"""The work on a request begins.

What could go wrong: a wish that must be proven begins without it. Whoever calls this says by what it was proven;
NOT_NEEDED goes for the wishes alone that can harm nobody, and the database refuses it for every other.
"""

from datetime import datetime
from typing import Final

from crasme.kit.crypto import subject_ref
from crasme.kit.statements import update
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person
from privacy import verbs
from privacy.correspondence.queue import enqueue
from privacy.models import Request
from privacy.services import assignment
from privacy.steps import flow
from privacy.steps.definitions import needs_people
from privacy.webhooks import Event, emit

NOT_NEEDED: Final = "not-needed"
SIGNED_IN: Final = "signed-in"  # the CRM vouched for it; see privacy.services.handoffs, which writes the letter


def begin(request: Request, *, by: str, now: datetime) -> None:
    """From received to the first step; the caller has locked the row. `by` says how the mailbox was proven."""
    actor = by_person(subject_ref("person", request.person_id))
    request.confirm(now=now, without_proof=by == NOT_NEEDED)
    update(request, "state", "confirmed_at", "without_proof")
    record(verbs.CONFIRMED.name, actor=actor, subject=request.ref, by=by)
    emit(Event.CONFIRMED, request, now=now)
    if request.kind == Request.Kind.COMPLAINT:
        enqueue(request, "complaint-received", period_key="1", now=now)
    # Of what nobody has to look at the answer comes at once, and says more.
    elif request.lead_id is None and by != SIGNED_IN and needs_people(request.kind, request.facts):
        enqueue(request, "started", period_key="1", now=now)
    assignment.by_rule(request, now=now)
    flow.begin(request, now=now)
