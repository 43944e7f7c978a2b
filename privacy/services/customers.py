"""Who is written to at a customer to whom a wish was passed on, and what ends with a wish that is taken back.

What could go wrong: the mail goes to somebody whom we may not write to (erased, closed and restricted accounts are
passed over), or a customer is reminded of what nobody wants any more, and acts on it. So what is taken back is closed
at once, and a customer who had been told is told that as well.
"""

from datetime import datetime

from django.db.models import Case, Value, When

from crasme.crm.models import Account
from crasme.kit.claims import WorkState, cancel
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.correspondence.addressees import addresses
from privacy.correspondence.queue import enqueue
from privacy.models import Message, Referral, Request

LETTER, TAKEN_BACK = "referral", "referral-taken-back"
Answer = Referral.Outcome


def customer_of(referral: Referral) -> Account | None:
    """Whom we write to at the customer: its first owner, else its first administrator, if we may use the account."""
    rank = Case(When(role=Account.Role.OWNER, then=Value(0)), default=Value(1))
    usable = Account.objects.usable().filter(
        organisation=referral.organisation_id, role__in=(Account.Role.OWNER, Account.Role.ADMIN)
    )
    others = usable.exclude(email=referral.request.person.email or None)
    return others.order_by(rank, "created_at", "pk").first()


@addresses(Message.Addressee.CUSTOMER)
def _address(message: Message) -> str:
    referral = message.referral
    if referral is None:
        return ""
    taken_back = message.template == TAKEN_BACK and referral.outcome == Answer.TAKEN_BACK
    account = customer_of(referral) if referral.is_open or taken_back else None
    return account.email if account else ""


def write(referral: Referral, template: str, *, occasion: str = "", now: datetime) -> None:
    """Queue a mail; `occasion` tells one from another since the wish was passed on."""
    account = customer_of(referral)
    enqueue(
        referral.request,
        template,
        period_key=f"{referral.pk.hex}-{referral.sent_at:%Y%m%d%H%M%S}{occasion}",
        now=now,
        addressee=Message.Addressee.CUSTOMER,
        language=account.language if account else "",
        referral=referral,
    )


def taken_back(request: Request, *, now: datetime) -> None:
    """The person has taken the request back; in that transaction, with the request locked."""
    for referral in request.referrals.open().select_for_update(of=("self",)).select_related("request__person"):
        # A letter that a worker has in hand may be with the mail server already, whatever becomes of its row.
        gone = (WorkState.DONE, WorkState.LEASED)
        told = Message.objects.filter(referral=referral, template=LETTER, state__in=gone).exists()
        for message in Message.objects.filter(referral=referral).unfinished():
            cancel(message, now=now)
        referral.outcome, referral.closed_at = Answer.TAKEN_BACK, now
        referral.save(update_fields=["outcome", "closed_at"])
        if told:
            write(referral, TAKEN_BACK, now=now)
        record(verbs.REFERRAL_ANSWERED.name, actor=system("privacy"), subject=request.ref, answer=referral.outcome)


def wanted_again(request: Request) -> None:
    """The request is opened again: what was taken back can be passed on anew."""
    request.referrals.filter(outcome=Answer.TAKEN_BACK).update(
        sent_at=None, due_on=None, token_digest=None, reminders=0, acknowledged_at=None, outcome="", closed_at=None
    )
