"""A worker's shift at the mail: the one it was woken for, and what else is due, over one connection to the mail server.

What could go wrong: a connection that a mail broke spoils the next one (it is closed after every failure, and the next
mail opens its own), a long queue that keeps one worker for ever (no mail begins after SECONDS; the rest is announced).
"""

import random
from contextlib import closing
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.core.mail import get_connection

from crasme.kit import remember
from privacy.correspondence.send import send
from privacy.models import Message
from privacy.wake import SEND, publish

SECONDS = 2.0
LOOK = 50  # mails that are looked up at once


def work(message_id: UUID, *, now: datetime) -> int:
    """Begin with this mail; how many went."""
    started, gone = monotonic(), 0
    ours = [message_id]
    with remember.moment(), closing(get_connection()) as connection:
        while ours:
            moment = now + timedelta(seconds=monotonic() - started)
            if send(ours.pop(), now=moment, connection=connection):
                gone += 1
            else:
                connection.close()
            if monotonic() - started > SECONDS:
                break
            if not ours:
                ours = _due(moment)
    for pk in ours or _due(now + timedelta(seconds=monotonic() - started))[:1]:
        publish(*SEND, str(pk))
    return gone


def _due(now: datetime) -> list[UUID]:
    """Some of what is due, in no order, so that two workers seldom reach for the same."""
    due = Message.objects.outgoing().claimable(now).order_by("next_attempt_at")
    found: list[UUID] = list(due.values_list("pk", flat=True)[:LOOK])
    random.shuffle(found)
    return found
