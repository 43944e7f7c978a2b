"""A fresh link to a request's page.

What could go wrong: the answer, or how long it takes, tells whether a reference exists or whose it is. So what was
typed is one row, whatever it is, and the page is done; a worker looks whether reference and address belong together,
and only then a mail goes out.
"""

from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from django.db import transaction

from crasme.kit.crypto import keyed_hash
from privacy.correspondence.queue import enqueue
from privacy.models import LinkAsk, Request
from privacy.querysets import email_hash
from privacy.services import representatives
from privacy.states import State
from privacy.wake import LINK, wake

# One mail in so many seconds, however often somebody presses the button.
PERIOD = 300
ANNOUNCED = timedelta(seconds=20)
AT_ONCE = 500


@transaction.atomic
def ask(reference: str, address: str, *, now: datetime) -> None:
    """A mail with a fresh link shall go out, if the address is that of the request. The same work either way."""
    asked = LinkAsk.objects.create(reference=reference, digest=_digest(reference, email_hash(address)), asked_at=now)
    wake(*LINK, asked.pk)


@transaction.atomic
def answer(ask_id: UUID, *, now: datetime) -> bool:
    """Look what was asked for, and queue the mail if the two belong together; whether they do."""
    asked = LinkAsk.objects.select_for_update(skip_locked=True).filter(pk=ask_id).first()
    if asked is None:
        return False
    asked.delete()
    found = Request.objects.filter(reference=asked.reference).exclude(person__email="").select_related("person")
    request = found.first()
    occasion = f"link-{int(asked.asked_at.timestamp()) // PERIOD}"
    if request is None:
        return False
    if compare_digest(asked.digest, _digest(asked.reference, request.person.email_hash)):
        template = representatives.confirming(request) if request.state == State.RECEIVED else "link"
        enqueue(request, template, period_key=occasion, now=now)
        return True
    speaking = representatives.of(request)
    if speaking is None or not speaking.email:
        return False
    if compare_digest(asked.digest, _digest(asked.reference, email_hash(speaking.email))):
        representatives.ask_again(request, occasion=occasion, now=now)
        return True
    return False


def answer_all(now: datetime) -> int:
    """Each minute: what no worker was woken for; the number of them."""
    waiting = LinkAsk.objects.filter(asked_at__lte=now - ANNOUNCED).values_list("pk", flat=True)[:AT_ONCE]
    return len([answer(pk, now=now) for pk in list(waiting)])


def _digest(reference: str, hashed: str) -> str:
    return keyed_hash("privacy.link", f"{reference}:{hashed}")
