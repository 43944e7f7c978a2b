"""A little work for the visitor's browser (ALTCHA, proof of work 2): dear for programs in masses, unnoticed by people.

What could go wrong: it keeps somebody out. So it decides nothing but which limit counts (privacy.throttle): a visitor
without scripts, with an old browser or a slow one, asks as well, only less often from one network. A solution that is
used many times (each counts once, by one atomic command), one made in advance (it runs out), one for somebody else's
puzzle (ours are signed). While the counters are away everybody gets through.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

import altcha

from crasme.kit.crypto import keyed_hash
from crasme.kit.limits import first_time

ALGORITHM = "PBKDF2/SHA-256"  # what browsers have built in
COST = 2_000  # rounds a try; checking costs nothing like it, since the solution is signed as well
TRIES = range(50, 150)  # so that it takes a phone less than a second, and about as long each time
LIFETIME = timedelta(minutes=30)  # as long as somebody may take over the form
LONGEST = 4_000


def make(now: datetime, *, cost: int = COST, tries: range = TRIES) -> dict[str, Any]:
    """A fresh puzzle, as the widget and our script take it; only measurements want an easier one."""
    puzzle = altcha.create_challenge(
        ALGORITHM,
        cost,
        counter=secrets.choice(tries),
        expires_at=now + LIFETIME,
        hmac_secret=_secret("puzzle"),
        hmac_key_secret=_secret("solution"),
    )
    return puzzle.to_dict()


def solved(payload: str, *, now: datetime) -> bool:
    """Whether this is the solution of a puzzle of ours, in time, and for the first time."""
    if not payload or len(payload) > LONGEST:
        return False
    try:
        read = altcha.Payload.from_base64(payload)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    result = altcha.verify_solution(read, _secret("puzzle"), hmac_key_secret=_secret("solution"))
    expires = read.challenge.parameters.expires_at
    if not result.verified or not expires or expires <= now.timestamp():
        return False
    # By the signature: the same solution can be written down in many ways.
    return first_time("puzzle", str(read.challenge.signature), seconds=int(LIFETIME.total_seconds()))


def _secret(purpose: str) -> str:
    return keyed_hash(f"privacy.puzzle.{purpose}", "")
