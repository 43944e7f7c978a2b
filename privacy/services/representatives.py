"""Somebody asks for somebody else.

What could go wrong: this is the oldest way to get another's data. So the person on file is asked, in their own mailbox,
by a mail that carries nothing of what was typed; until they confirm, nothing happens; the answer goes to them; and to
the representative only if they said so there, and a colleague has accepted the mandate. Both are looked at again when
the mail goes out. What a representative learns otherwise is where things stand, and no data; and once rejected, by a
colleague or by the person, nothing at all but that.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from crasme.kit import cards
from crasme.kit.claims import WorkState
from crasme.kit.crypto import subject_ref
from crasme.kit.statements import Fetch
from crasme.kit.text import clean, normalise_email
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person, representative as by_representative
from crasme.staff.models import User
from privacy import verbs
from privacy.correspondence.addressees import addresses
from privacy.correspondence.queue import enqueue
from privacy.errors import Incomplete, MoveNotAllowed
from privacy.models import Message, Package, Representative, Request
from privacy.services import desk, mandates
from privacy.states import Outcome, State

TO_REPRESENTATIVE: Final = Message.Addressee.REPRESENTATIVE
# What carries the answer; everything else that goes to a representative says where things stand.
ANSWERS: Final = frozenset({"representative-answer", "representative-copy"})
DECIDED: Final = (Outcome.GRANTED, Outcome.PARTLY, Outcome.REFUSED)
KEPT_FOR: Final = timedelta(days=30)
_OF_REQUEST = Fetch(lambda: Representative.objects.order_by("pk"), "request")
Standing, ReleaseTo = Representative.State, Representative.ReleaseTo
REJECTION: Final = f"judged-{Standing.REJECTED}"  # the occasion of the last letter that somebody rejected gets


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says who asks for somebody else. `document` is the paper, as it came."""

    full_name: str
    email: str
    mandate: str
    document: bytes | None = field(default=None, repr=False)


def claimed(lead: Request, claim: Claim, *, now: datetime) -> Representative:
    """Note who asks, in the transaction that stores the request; they get a receipt that says the same to everybody.

    ValidationError for a payment card number, Incomplete for a file that is not taken.
    """
    found = Representative.objects.create(
        request=lead,
        full_name=clean(claim.full_name).strip() or None,
        email=normalise_email(claim.email),
        mandate=claim.mandate,
    )
    if claim.document is not None:
        mandates.store(found, claim.document, now=now)
    record(
        verbs.REPRESENTED.name,
        actor=actor_of(found),
        subject=lead.ref,
        mandate=found.mandate,
        document=claim.document is not None,
    )
    enqueue(lead, "representative-receipt", period_key="1", now=now, addressee=TO_REPRESENTATIVE)
    return found


def of(request: Request) -> Representative | None:
    """Who asked for the person, in the message that this request came with."""
    return _OF_REQUEST.one(request.lead_id or request.pk)


def confirming(request: Request) -> str:
    """The letter that asks the person for a proof."""
    return "confirm" if of(request) is None else "confirm-represented"


@transaction.atomic
def choose(request: Request, to: str, *, now: datetime) -> Representative | None:
    """The person says who gets the answer: "person", "rep", or "nobody" for somebody who does not speak for them.

    Only for whoever has proven the mailbox. What is decided already is released at once. None when nobody speaks for
    them; MoveNotAllowed for a representative who was rejected.
    """
    lead = desk.locked(request.leading)
    found = Representative.objects.select_for_update().filter(request=lead).first()
    if found is None:
        return None
    if found.state == Standing.REJECTED and to == ReleaseTo.REPRESENTATIVE:
        raise MoveNotAllowed(_("Nobody is accepted as your representative, so the answer goes to you."), remedy="")
    if to == "nobody" and found.state != Standing.REJECTED:
        found.state, found.decided_at = Standing.REJECTED, now
    released = to == ReleaseTo.REPRESENTATIVE
    found.release_to = ReleaseTo.REPRESENTATIVE if released else ReleaseTo.PERSON
    found.person_confirmed_at = (found.person_confirmed_at or now) if released else None
    found.save(update_fields=["state", "decided_at", "release_to", "person_confirmed_at"])
    actor = by_person(subject_ref("person", lead.person_id))
    record(verbs.RELEASE_CHOSEN.name, actor=actor, subject=lead.ref, to=to if to == "nobody" else found.release_to)
    _release_decided(found, now=now)
    return found


@transaction.atomic
def judge(request: Request, *, accepted: bool, words: str, by: User, now: datetime) -> Representative:
    """Accept or reject the mandate, with the reason. MoveNotAllowed once it was judged, or all is over."""
    desk.require(by, "work_request")
    cards.refuse(words=words)
    lead = desk.locked(request.leading)
    found = Representative.objects.select_for_update().filter(request=lead).first()
    going_on = Request.objects.filter(Q(pk=lead.pk) | Q(lead=lead)).open().exists()
    if found is None or found.state != Standing.CLAIMED or not going_on:
        raise MoveNotAllowed(_("There is no mandate to judge."))
    if not clean(words).strip():
        raise Incomplete(_("Say why; whoever looks at it later must be able to follow you."))
    found.state = Standing.ACCEPTED if accepted else Standing.REJECTED
    found.decided_by, found.decided_at, found.reason = by, now, clean(words).strip()
    found.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    record(verbs.MANDATE_JUDGED.name, actor=by.ref, subject=lead.ref, verdict=found.state)
    tell_standing(lead, occasion=f"judged-{found.state}", now=now)
    _release_decided(found, now=now)
    return found


def tell_standing(request: Request, *, occasion: str, now: datetime) -> None:
    """Where it stands, and nothing else; nobody is told where nobody speaks for the person."""
    found = of(request)
    if found is not None and (found.state != Standing.REJECTED or occasion == REJECTION):
        enqueue(request, "representative-status", period_key=occasion, now=now, addressee=TO_REPRESENTATIVE)


def release(request: Request, *, now: datetime) -> bool:
    """Queue the answer of a decided request for the representative, if it may go to them; whether it was."""
    found = of(request)
    if found is None or not found.may_receive or request.outcome not in DECIDED:
        return False
    letters = request.messages.filter(addressee=Message.Addressee.PERSON, written__isnull=False)
    words = letters.filter(template__in=("answered", "refused"), period_key=f"round-{request.round}").first()
    copy = Package.objects.filter(request=request).available(now).exists()
    return (
        enqueue(
            request,
            "representative-copy" if copy else "representative-answer",
            period_key=f"round-{request.round}",
            now=now,
            addressee=TO_REPRESENTATIVE,
            written=(words.written or "") if words else "",
        )
        is not None
    )


def ask_again(request: Request, *, occasion: str, now: datetime) -> None:
    """The representative wants to know: a fresh link where there is a copy for them, else where it stands."""
    found = of(request)
    if found is None or found.state == Standing.REJECTED:
        return
    copy = found.may_receive and Package.objects.filter(request=request).available(now).exists()
    template = "representative-copy" if copy else "representative-status"
    enqueue(request, template, period_key=occasion, now=now, addressee=TO_REPRESENTATIVE)


def forget(now: datetime) -> int:
    """Empty names and addresses of representatives whose requests are over, some time after; how many."""
    own = Request.objects.filter(Q(pk=OuterRef("request")) | Q(lead=OuterRef("request")))
    going_on = own.filter(~Q(state=State.CLOSED) | Q(closed_at__gt=now - KEPT_FOR))
    waiting = Message.objects.filter(
        Q(request=OuterRef("request")) | Q(request__lead=OuterRef("request")),
        addressee=TO_REPRESENTATIVE,
        state__in=(WorkState.DUE, WorkState.LEASED),
    )
    over = Representative.objects.filter(~Exists(going_on), ~Exists(waiting), email__isnull=False)
    return Representative.objects.filter(pk__in=over.values("pk")[:500]).update(full_name=None, email=None)


@addresses(TO_REPRESENTATIVE)
def _address(message: Message) -> str:
    found = of(message.request)
    if found is None or (message.template in ANSWERS and not found.may_receive):
        return ""
    if found.state == Standing.REJECTED and message.period_key != REJECTION:
        return ""
    return found.email or ""


def _release_decided(found: Representative, *, now: datetime) -> None:
    for request in Request.objects.filter(Q(pk=found.request_id) | Q(lead=found.request_id)).order_by("pk"):
        if not request.is_open:
            release(request, now=now)


def actor_of(found: Representative) -> str:
    return by_representative(subject_ref("representative", found.pk))
