"""The CRM vouches for somebody who is signed in there: their wishes are stored and begun at once.

What could go wrong: a hand-off is used twice (its digest is stored with what it did, in one transaction, and is
unique), or by somebody at another's open session. So the owner of the account is told at the address on file, whatever
was asked, with a link to take it back; and that address, not one that somebody typed, is where the answer goes. Or
somebody who pressed the button twice is told that it is too late, and believes that nothing was asked: the same press,
from the same browser and in the same words, leads for a moment to the request that the first one made.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction

from crasme.crm.models import Account
from privacy.correspondence.queue import enqueue
from privacy.handoff import HandOff, HandOffRefused
from privacy.models import Request, SpentHandOff
from privacy.services import confirmation, intake
from privacy.services.beginning import SIGNED_IN
from privacy.services.intake import Submission
from privacy.steps.definitions import needs_people

SECOND_CLICK: Final = timedelta(minutes=2)


def account_of(handed: HandOff) -> Account:
    """Whose session it was; the hand-off unused. HandOffRefused."""
    account: Account | None = Account.objects.present().filter(pk=handed.account).first()
    if account is None or SpentHandOff.objects.filter(digest=handed.once).exists():
        raise HandOffRefused
    return account


def made_by(handed: HandOff, click: str, *, now: datetime) -> Request | None:
    """The request that this very click made a moment ago; None for any other, and for a click that is unknown."""
    if not click:
        return None
    spent = SpentHandOff.objects.filter(digest=handed.once, click=click, spent_at__gt=now - SECOND_CLICK)
    found = spent.select_related("request").first()
    return found.request if found is not None else None


@transaction.atomic
def ask(handed: HandOff, wishes: Sequence[Submission], *, now: datetime, click: str = "") -> Request:
    """Store the wishes of the account's owner and begin; the request that goes on, the one that leads. `click` is the
    digest of the browser and of what it sent, "" when nothing is known of it.

    HandOffRefused, and then nothing was stored; ValidationError as for `intake.submit_many`.
    """
    account = account_of(handed)
    try:
        with transaction.atomic():
            spent = SpentHandOff.objects.create(digest=handed.once, spent_at=now, click=click)
    except IntegrityError:
        raise HandOffRefused from None  # the button was pressed twice, and the other press was quicker
    theirs = [replace(asked, email=account.email, channel=Request.Channel.SIGNED_IN) for asked in wishes]
    stored = intake.submit_many(theirs, now=now)
    lead = next(request for request in stored if request.lead_id is None)
    goes_on = confirmation.proven(lead, by=SIGNED_IN, now=now)
    spent.request = goes_on
    spent.save(update_fields=["request"])
    if needs_people(lead.kind, lead.facts):
        # Of what nobody has to look at the answer comes at once, and says more.
        enqueue(lead, "signed-in", period_key="1", now=now)
    return goes_on
