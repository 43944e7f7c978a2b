"""A mail becomes a request, or several: by a worker when it is clear, by a colleague when it is not.

What could go wrong: the days that a mail waited to be sorted are counted as ours (the clock runs from its arrival, on
every way), or a mail opens more doors than the form (the same intake, and the same proof of the mailbox: whoever can
write a sender's address into a mail has shown nothing).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from privacy.forms.asking import LONGEST_DETAILS
from privacy.mailroom import filing, quotes
from privacy.models import InboundMail, Request
from privacy.services import intake
from privacy.services.intake import Submission


def make(mail: InboundMail, kinds: Sequence[str], *, language: str, by: Any, now: datetime) -> list[Request]:
    """The requests, the leading one first, in the caller's transaction; the mail is the first message of its
    correspondence. `by` is the colleague who decided it, None for the worker."""
    words, _quoted = quotes.split(mail.body or "")
    wanted = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    made = intake.submit_many(
        [
            Submission(
                kind=kind,
                email=mail.sender or "",
                language=wanted,
                details=words[:LONGEST_DETAILS] if number == 0 else "",
                channel=Request.Channel.EMAIL,
                received_at=mail.received_at,
                entered_by=by,
            )
            for number, kind in enumerate(kinds)
        ],
        now=now,
    )
    filing.enter(made[0], subject=mail.subject or "", body=mail.body or "", channel="email", mail=mail, now=now)
    return made
