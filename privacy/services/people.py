"""Who somebody is in the platform's data, once the mailbox is proven, and forgetting them when all is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from crasme.crm.models import Account, Contact
from crasme.kit.claims import cancel
from crasme.kit.crypto import subject_ref
from crasme.kit.datamap import Subject
from crasme.kit.statements import Fetch
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs
from privacy.clock.regimes import Regime, of_country
from privacy.mailroom import forgetting
from privacy.models import Correction, InboundMail, Message, Person, Plan, Request
from privacy.services import packages
from privacy.services.places import digest, place_of
from retention import erasure

# An address that nobody proved is of no use to anybody; so long its owner can still come back for what was done.
STRANGER_KEPT: Final = timedelta(days=14)
_HERE = Fetch(
    lambda: Account.objects.present().exclude(email="").select_related("organisation").order_by("pk"), "email"
)
_NAMED = Fetch(lambda: Contact.objects.only("pk").order_by(), "email", most=1)
_LOCKED = Fetch(Person.objects.select_for_update, "pk")
_EXECUTED = Fetch(
    lambda: Plan.objects.filter(kind=Plan.Kind.ERASURE).exclude(executed_at=None).only("pk").order_by(),
    "request__person",
)


@dataclass(frozen=True, slots=True)
class Located:
    """`contacts` counts entries that customers wrote about this address: there the customer decides, not we."""

    account: Account | None
    contacts: int
    regime: Regime


def locate(request: Request) -> Located:
    """Find the person by the proven address, and by nothing that was merely typed into a form."""
    person = request.person
    account = _HERE.one(person.email) or moved_with(request)
    return Located(
        account=account,
        # Hardly anybody is in a customer's address book; asking costs less than counting nothing.
        contacts=Contact.objects.filter(email=person.email).count() if _NAMED(person.email) else 0,
        regime=of_country(account.organisation.country) if account else Regime.OTHER,
    )


def still_theirs(request: Request) -> bool:
    """Whether the account that was found still has the proven address. Days pass between finding and doing; in between
    support may have corrected the address, because the mailbox is somebody else's now.
    """
    if request.account_id is None:
        return True
    if any(account.pk == request.account_id for account in _HERE(request.person.email)):
        return True
    return (moved := moved_with(request)) is not None and moved.pk == request.account_id


def moved_with(request: Request) -> Account | None:
    """The account that left the proven mailbox for one that the person has proven too, by a correction; while it is
    still there. Only for what was asked from the old mailbox before: whoever reads it afterwards may be somebody else.
    """
    if request.confirmed_at is None or request.without_proof:
        return None
    moves = Correction.objects.filter(request__person=request.person_id, label="crm.account", field="email")
    moves = moves.filter(applied_at__gte=request.confirmed_at).exclude(proven_at=None)
    for moved in moves.order_by("-applied_at"):
        accounts = Account.objects.present().select_related("organisation")
        account: Account | None = accounts.filter(pk=moved.row).first()
        if account is not None and digest(place_of(moved), account.email) == moved.new_digest:
            return account
    return None


def lock(person: Person) -> None:
    """Until the end of the transaction nobody else registers a copy of this person, or erases them."""
    if _LOCKED.one(person.pk) is None:
        raise Person.DoesNotExist


def erasures_of(person: Person) -> frozenset[UUID]:
    """The plans by which this person has been erased so far. Compare two answers to learn of one in between: the
    times of two workers do not tell whose transaction ended first.
    """
    return frozenset(plan.pk for plan in _EXECUTED(person.pk))


def forget_stranger(request: Request, *, now: datetime) -> bool:
    """Forget the address of a request that lapsed, if nobody ever proved it; in the caller's transaction.

    Anybody can type anybody's address into the form: unproven, there is nothing to answer for and no reason to keep it.
    """
    person = request.person
    if person.requests.proven().exists() or person.requests.open().exists():
        return False
    for message in Message.objects.filter(request__person=person).unfinished():
        cancel(message, now=now)  # a link to confirm what is over
    Person.objects.filter(pk=person.pk).update(forget_from=now)
    if forget(person, now=now):
        return True
    # Whoever comes back and proves the mailbox must not be forgotten for having been a stranger once.
    Person.objects.filter(pk=person.pk).update(forget_from=None)
    return False


def forget_soon(person: Person, *, now: datetime) -> None:
    """What was done needed no proof: unless the mailbox is proven otherwise, its address goes after a while."""
    if person.forget_from is None and not person.requests.proven().exists():
        person.forget_from = now + STRANGER_KEPT
        person.save(update_fields=["forget_from"])


def known_again(request: Request) -> None:
    """The mailbox is proven, for the first time: it is no stranger's any more. An erasure's own end stays."""
    person = request.person
    if person.forget_from is not None and not person.requests.proven().exclude(pk=request.pk).exists():
        person.forget_from = None
        person.save(update_fields=["forget_from"])


def forget(person: Person, *, now: datetime) -> bool:
    """Empty what identifies a person who was erased and has been told; False when it is not time yet.

    The last act of an erasure, apart from it because the answer needs the address. Anything that is open, still to be
    sent or fetched, or on hold keeps the rows as they are; the next sweep asks again.
    """
    with transaction.atomic():
        locked = Person.objects.select_for_update().filter(pk=person.pk).first()
        if locked is not None:
            InboundMail.objects.adopt(locked)  # of those whom nobody ever looked for, it is nobody's yet
        if locked is None or not Person.objects.forgettable(now).filter(pk=person.pk).exists():
            return False
        subject = Subject.of(person=locked.pk)
        plan = erasure.preview(subject, now)
        if plan.on_hold:
            # All of it waits: once the row that leads to it is empty, nobody comes back for what was held.
            return False
        if forgetting.let_go(InboundMail.objects.filter(person=locked), now=now):
            plan = erasure.preview(subject, now)
        packages.destroy_of(locked, why="forgotten", now=now)
        # The erasure itself was approved by two people; this is its announced end, so the plan of the moment counts.
        erasure.erase(subject, plan_hash=plan.hash, actor=system("privacy"), now=now)
        record(
            verbs.FORGOTTEN.name,
            actor=system("privacy"),
            subject=subject_ref("person", locked.pk),
            requests=locked.requests.count(),
        )
    return True
