"""A fresh link to a request's page.

What could go wrong: the answer tells whether a reference exists or whose it is. So the caller learns nothing, the page
says the same in every case, and a mail goes out only when reference and address belong together.
"""

from datetime import datetime

from django.db import transaction

from privacy.correspondence.queue import enqueue
from privacy.models import Request
from privacy.querysets import email_hash
from privacy.states import State

# One mail in so many seconds, however often somebody presses the button.
PERIOD = 300


@transaction.atomic
def ask(reference: str, address: str, *, now: datetime) -> None:
    """Queue a mail with a fresh link, if the address is that of the request. Returns nothing either way."""
    request = (
        Request.objects.filter(reference=reference, person__email_hash=email_hash(address))
        .exclude(person__email="")
        .first()
    )
    if request is None:
        return
    template = "confirm" if request.state == State.RECEIVED else "link"
    enqueue(request, template, period_key=f"link-{int(now.timestamp()) // PERIOD}", now=now)
