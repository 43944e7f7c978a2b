"""A mail becomes a request, or several: by a worker when it is clear, by a colleague when it is not.

What could go wrong: the days that a mail waited to be sorted are counted as ours (the clock runs from its arrival, on
every way), a mail opens more doors than the form (the same intake, and the same proof of the mailbox: whoever can write
a sender's address into a mail has shown nothing), or what it says about a child outlives the report (all that it says
hangs on the report, whatever else it asks for, and ends with it).
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
    """The requests, one a kind and in their order, in the caller's transaction; the mail is the first message of their
    correspondence. `by` is the colleague who decided it, None for the worker."""
    words, _quoted = quotes.split(mail.body or "")
    wanted = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    bearer = Request.Kind.CHILD if Request.Kind.CHILD in kinds else kinds[0]
    made = intake.submit_many(
        [
            Submission(
                kind=kind,
                email=mail.sender or "",
                language=wanted,
                details=words[:LONGEST_DETAILS] if kind == bearer else "",
                channel=Request.Channel.EMAIL,
                received_at=mail.received_at,
                entered_by=by,
            )
            for kind in kinds
        ],
        now=now,
    )
    home = next(request for request in made if request.kind == bearer)
    filing.enter(home, subject=mail.subject or "", body=mail.body or "", channel="email", mail=mail, now=now)
    return made
