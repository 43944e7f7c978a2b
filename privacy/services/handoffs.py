"""The CRM vouches for somebody who is signed in there: their wishes are stored and begun at once.

What could go wrong: a hand-off is used twice (its digest is stored with what it did, in one transaction, and is
unique), or by somebody at another's open session. So the owner of the account is told at the address on file, whatever
was asked, with a link to take it back; and that address, not one that somebody typed, is where the answer goes.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction

from crasme.crm.models import Account
from privacy.correspondence.queue import enqueue
from privacy.handoff import HandOff, HandOffRefused
from privacy.models import Request, SpentHandOff
from privacy.services import confirmation, intake
from privacy.services.beginning import SIGNED_IN
from privacy.services.intake import Submission
from privacy.steps.definitions import needs_people


def account_of(handed: HandOff) -> Account:
    """Whose session it was; the hand-off unused. HandOffRefused."""
    account: Account | None = Account.objects.present().filter(pk=handed.account).first()
    if account is None or SpentHandOff.objects.filter(digest=handed.once).exists():
        raise HandOffRefused
    return account


@transaction.atomic
def ask(handed: HandOff, wishes: Sequence[Submission], *, now: datetime) -> Request:
    """Store the wishes of the account's owner and begin; the request that goes on, the one that leads.

    HandOffRefused, and then nothing was stored; ValidationError as for `intake.submit_many`.
    """
    account = account_of(handed)
    try:
        with transaction.atomic():
            SpentHandOff.objects.create(digest=handed.once, spent_at=now)
    except IntegrityError:
        raise HandOffRefused from None  # the button was pressed twice, and the other press was quicker
    theirs = [replace(asked, email=account.email, channel=Request.Channel.SIGNED_IN) for asked in wishes]
    stored = intake.submit_many(theirs, now=now)
    lead = next(request for request in stored if request.lead_id is None)
    goes_on = confirmation.proven(lead, by=SIGNED_IN, now=now)
    if needs_people(lead.kind, lead.facts):
        # Of what nobody has to look at the answer comes at once, and says more.
        enqueue(lead, "signed-in", period_key="1", now=now)
    return goes_on
