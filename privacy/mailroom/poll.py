"""Reading the mailbox: each mail becomes a row, is committed, and only then put away.

What could go wrong: the process ends between the commit and the putting away (the mail is found again, and is known),
two read at once (the same), one mail that the server cannot hand out keeps the others from coming (it is passed over
and tried again the next time).
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from privacy.mailroom import mailbox
from privacy.mailroom.receive import LARGEST, receive
from privacy.models import InboundMail

log = logging.getLogger(__name__)
AT_ONCE = 100


@dataclass(slots=True)
class Read:
    """How many mails were stored, were here already, and could not be had."""

    stored: int = 0
    known: int = 0
    failed: int = 0


def is_on() -> bool:
    """Whether there is a mailbox to read."""
    return bool(settings.IMAP_URL)


def poll(*, now: datetime) -> Read:
    """Take what waits in the mailbox. MailboxAway or MailboxWrong when there is none to be had."""
    done = Read()
    with mailbox.opened(mailbox.address(settings.IMAP_URL)) as box:
        for waiting in box.waiting(AT_ONCE):
            try:
                _take(box, waiting, done, now=now)
            except mailbox.FAULTS as error:
                log.warning("A mail could not be fetched or put away: %s.", type(error).__name__)
                done.failed += 1
    return done


def _take(box: mailbox.Box, waiting: mailbox.Waiting, done: Read, *, now: datetime) -> None:
    raw = box.read(waiting.uid, LARGEST)
    if not raw:
        return  # another reader was quicker
    stored = receive(
        raw,
        source=InboundMail.Source.IMAP,
        now=now,
        arrived_at=waiting.arrived_at,
        size=waiting.size if len(raw) >= LARGEST else None,
    )
    done.stored += stored is not None
    done.known += stored is None
    box.put_away(waiting.uid)
