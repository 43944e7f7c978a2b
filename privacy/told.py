"""What machines are told of a request, by the API and by webhooks alike: where it stands, never who it is.

What could go wrong: a field that names the person, or that tells of other requests of theirs. So nothing here was
typed by anybody, and an earlier request that this one joined is not named.
"""

from datetime import date, datetime
from typing import Any

from privacy.models import Request
from privacy.states import State


def told(request: Request) -> dict[str, Any]:
    """JSON values by name; times in UTC. Of a report not even how it came out: a partner could ask about anybody."""
    shown = request.discloses
    return {
        "reference": request.reference,
        "kind": request.kind,
        "channel": request.channel,
        "state": request.state if shown or not request.is_open else State.REVIEW,
        "outcome": (request.outcome or None) if shown else None,
        "refusal_reason": (request.refusal_reason or None) if shown else None,
        "received_at": moment(request.received_at),
        "received_on": day(request.received_on),
        "confirmed_at": moment(request.confirmed_at),
        "closed_at": moment(request.closed_at),
        "promise_due": day(request.promise_due),
        "law_due": day(request.law_due),
        "due": day(request.effective_due),
    }


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the microsecond."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def day(on: date | None) -> str | None:
    return None if on is None else on.isoformat()
