"""A request arrives.

What could go wrong: the answer, or how long it takes, tells whether an address is known here. So nothing about the
address is looked up in the platform's data before the mailbox is proven; a stranger and a customer cause the very
same writes. And the form must not become a way to send strangers' words to strangers: no mail before proof carries
anything that was typed, and every mailbox gets a limited number of them. What can harm nobody, an opt-out, is done in
the same transaction that stores it, proven or not: the gate is shut before the visitor sees the next page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from crasme.kit import cards
from crasme.kit.clock import controller_day
from crasme.kit.crypto import subject_ref
from crasme.kit.statements import Fetch, insert
from crasme.kit.text import clean, normalise_email
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person
from crasme.staff.models import ApiKey
from privacy import verbs
from privacy.clock.events import Event, Kind
from privacy.clock.regimes import Regime
from privacy.correspondence.queue import enqueue
from privacy.models import ApiEntry, Person, Request
from privacy.querysets import email_hash
from privacy.services import children, clock, marketing, representatives
from privacy.services.beginning import NOT_NEEDED, begin
from privacy.services.representatives import Claim
from privacy.steps.definitions import needs_people, needs_proof
from privacy.webhooks import Event as Told, emit

TRIES = 3
# Open ones for the same thing; the request in hand is perhaps among them.
_SAME = Fetch(
    lambda: Request.objects.open().without_claims().order_by("received_at", "id"),
    "person",
    "kind",
    most=2,
)
_MAILBOX = Fetch(Person.objects.select_for_update, "email_hash")


@dataclass(frozen=True, slots=True)
class Call:
    """The call of the API that brought it; see privacy.models.ApiEntry."""

    key: ApiKey
    external_id: str | None
    digests: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody asks, as typed. `email` is all that is known of who they are; a report may come without.

    facts     what was ticked on the form of this kind: codes, never words
    about     whose account it is about, where that is not the person's own
    entered_by  the colleague who entered what came by telephone or post
    received_at  when it reached us (UTC), where that was before it was entered
    call      what a machine sent it with
    claim     who says that they ask for this person
    """

    kind: str
    email: str
    full_name: str = ""
    language: str = settings.LANGUAGE_CODE
    details: str = ""
    regime: str = Regime.OTHER
    channel: str = Request.Channel.WEB
    facts: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    entered_by: Any = None
    received_at: datetime | None = None
    call: Call | None = None
    claim: Claim | None = None


def submit(asked: Submission, *, now: datetime) -> Request:
    """Store the request and queue the mail that proves the mailbox. The clock starts with its arrival.

    ValidationError names the field that holds a payment card number.
    """
    return submit_many([asked], now=now)[0]


def submit_many(wishes: Sequence[Submission], *, now: datetime, ask: bool = True) -> list[Request]:
    """Store what one message asks for: a request a wish, all of one person, in the order given. The first of those
    that people look at leads: its mail proves the mailbox for all of them, and the correspondence is there. Each has
    its own clock, steps and answer. Without `ask` no mail asks for the proof: the caller has it, and tells the person.

    ValidationError as for `submit`; ValueError for wishes of several people.
    """
    if len({normalise_email(asked.email) for asked in wishes}) != 1:
        raise ValueError("One message is of one person.")
    if any(not normalise_email(asked.email) and asked.kind != Request.Kind.CHILD for asked in wishes):
        raise ValueError("Only a report of a child's account may come from nobody.")
    for asked in wishes:
        cards.refuse(details=asked.details, full_name=asked.full_name, about=asked.about)
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                return _store_all(wishes, now, ask=ask)
        except IntegrityError:
            # Two submissions for a new mailbox at once, or two equal references: neither is the visitor's fault.
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _store_all(wishes: Sequence[Submission], now: datetime, *, ask: bool) -> list[Request]:
    person = _person(wishes[0], now)
    wishes = _apart(wishes)
    leads = min(range(len(wishes)), key=lambda position: _rank(wishes[position]))
    lead = _store(wishes[leads], person, None, now)
    stored = [lead if position == leads else _store(asked, person, lead, now) for position, asked in enumerate(wishes)]
    if (claim := wishes[leads].claim) is not None:
        representatives.claimed(lead, claim, now=now)
    if ask and needs_proof(lead.kind, lead.facts) and lead.channel != Request.Channel.SIGNED_IN:
        enqueue(lead, representatives.confirming(lead), period_key="1", now=now)
    for request in stored:
        if request.kind == Request.Kind.CHILD:
            children.begin(request, now=now)
        elif not needs_proof(request.kind, request.facts):
            marketing.stop(request, now=now)
            begin(request, by=NOT_NEEDED, now=now)
    return stored


def _apart(wishes: Sequence[Submission]) -> Sequence[Submission]:
    """What a message says beside a report of a child's account may be about the child: it stands with the report alone,
    and ends with it."""
    child = Request.Kind.CHILD
    if all(asked.kind != child for asked in wishes):
        return wishes
    return [asked if asked.kind == child else replace(asked, details="", about="") for asked in wishes]


def _rank(asked: Submission) -> int:
    """What waits for a proof leads, so that its mail asks for it; before that, what people look at."""
    return 2 * (not needs_proof(asked.kind, asked.facts)) + (not needs_people(asked.kind, asked.facts))


def _store(asked: Submission, person: Person, lead: Request | None, now: datetime) -> Request:
    received_at = min(asked.received_at or now, now)
    request = Request(
        kind=asked.kind,
        person=person,
        channel=asked.channel,
        regime=asked.regime,
        language=asked.language,
        full_name=clean(asked.full_name).strip() or None,
        details=clean(asked.details).strip() or None,
        about=clean(asked.about).strip() or None,
        facts=dict(asked.facts),
        lead=lead,
        entered_by=asked.entered_by,
        received_at=received_at,
        received_on=controller_day(received_at),
    )
    request.duplicate_of = first_of_same(request)
    clock.set_dates(request, [Event(Kind.RECEIVED, request.received_on)])
    insert(request)
    actor = by_person(subject_ref("person", person.pk))
    clock.start(request, actor=actor)
    record(
        verbs.RECEIVED.name,
        actor=actor,
        subject=request.ref,
        kind=request.kind,
        channel=request.channel,
        received_on=request.received_on,
        lead=lead.ref if lead else None,
    )
    if asked.call is not None:
        _entered(request, asked.call, now)
    emit(Told.RECEIVED, request, now=now)
    return request


def _entered(request: Request, call: Call, now: datetime) -> None:
    call_digest, body_digest = (None, None) if request.lead_id else call.digests
    ApiEntry.objects.create(
        request=request,
        key=call.key,
        external_id=call.external_id,
        call_digest=call_digest,
        body_digest=body_digest,
        created_at=now,
    )


def _person(asked: Submission, now: datetime) -> Person:
    """The mailbox's one row, locked; somebody who was forgotten and asks again gives the address anew.

    The name stays with the request until the mailbox is proven: anybody can type any name beside anybody's address.
    """
    address = normalise_email(asked.email)
    if not address:
        return Person.without_address(language=asked.language, created_at=now)
    # The same statements for a new mailbox and a known one, whoever writes them first.
    new = Person(email=address, email_hash=email_hash(address), language=asked.language, created_at=now)
    insert(new, unless_there=True)
    (person,) = _MAILBOX(new.email_hash)
    if not person.email:
        person.email, person.forget_from = address, None
        person.language = asked.language
        person.save(update_fields=["email", "forget_from", "language"])
    return person


def first_of_same(request: Request) -> Request | None:
    """The earliest open request of the same person for the same thing; it keeps its clock, later ones join it.

    None for a report: one person may report several children. What a representative claims to ask for somebody who has
    not confirmed it is nobody's yet: the person's own request neither joins nor confirms it.
    """
    if request.kind == Request.Kind.CHILD:
        return None
    return next((same for same in _SAME(request.person_id, request.kind) if same.pk != request.pk), None)
