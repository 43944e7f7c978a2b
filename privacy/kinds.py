"""What differs from kind to kind besides the steps: the reasons for which it can be refused, and who may answer it.

What could go wrong: an agent refuses what cannot be refused. Nobody needs a reason to stop marketing or to take back a
consent, so the only grounds left there are that it is not the person, or that there is nothing to stop.
"""

from privacy.models import Request

Kind, Refusal = Request.Kind, Request.Refusal

_ANY = tuple(Refusal)
REFUSABLE: dict[str, tuple[Request.Refusal, ...]] = {
    Kind.ACCESS: _ANY,
    Kind.CORRECTION: _ANY,
    Kind.DELETION: _ANY,
    Kind.PORTABILITY: _ANY,
    Kind.RESTRICTION: _ANY,
    Kind.OBJECTION: _ANY,
    Kind.OPT_OUT: (Refusal.IDENTITY, Refusal.NOT_COVERED),
    Kind.WITHDRAWAL: (Refusal.IDENTITY, Refusal.NOT_COVERED),
    Kind.COMPLAINT: (Refusal.UNFOUNDED, Refusal.EXCESSIVE, Refusal.NOT_COVERED),
    Kind.CHILD: (Refusal.UNFOUNDED, Refusal.EXCESSIVE, Refusal.IDENTITY, Refusal.NOT_COVERED),
}


# A complaint may be about the desk itself, so the desk does not answer it; a child's account is for officers.
ANSWERED_BY: dict[str, str] = {Kind.COMPLAINT: "answer_complaint", Kind.CHILD: "decide_child"}


def answered_by(kind: str) -> str:
    """The permission of this room that it takes to answer."""
    return ANSWERED_BY.get(kind, "work_request")


def refusable(kind: str) -> tuple[Request.Refusal, ...]:
    """The reasons that the law leaves for this kind. LookupError for a kind that nobody thought about."""
    return REFUSABLE[kind]
