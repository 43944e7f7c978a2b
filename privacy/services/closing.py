"""The end of a request, whatever brought it about: dated, off the clock, nothing left to do."""

from datetime import datetime

from crasme.kit.clock import controller_day
from crasme.kit.statements import update
from crasme.ledger.services import record
from privacy import verbs
from privacy.clock.events import Kind
from privacy.mailroom import identity
from privacy.models import Request
from privacy.services import clock, emptying, mandates
from privacy.steps import flow
from privacy.webhooks import Event, emit


def closed(request: Request, *, actor: str, now: datetime) -> None:
    """Call it right after the move to closed, with the row locked; saves the request."""
    update(request, "state", "closed_at", "outcome", "refusal_reason", "duplicate_of")
    flow.cancel_rest(request, now=now)
    if request.kind == Request.Kind.CORRECTION:
        # What was proposed is in its place by now, or was not wanted there; nobody needs it a second time.
        request.corrections.live().update(proposed=None, settled=None, proof_digest=None, proof_until=None)
    identity.destroy_of(request, actor=actor, now=now)
    clock.note(request, Kind.CLOSED, actor=actor, now=now)
    record(
        verbs.CLOSED.name,
        actor=actor,
        subject=request.ref,
        outcome=request.outcome,
        in_time=controller_day(now) <= request.effective_due,
    )
    emit(Event.CLOSED, request, now=now)
    emptying.report_closed(request, now=now)
    mandates.destroy_of(request, actor=actor, now=now)
