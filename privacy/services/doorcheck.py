"""The self-test of restrictions: a free and a restricted specimen at every door, and nothing left behind.

What could go wrong: the test itself leaves rows, or waits for work in progress and stops it. Everything happens in one
transaction that is rolled back; purges wait for it, which takes about a second.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from consent import acceptances, accounts as browsers, marketing, notices, services as consent
from consent.models import Acceptance
from consent.models.choices import person_ref
from crasme.crm import partitions
from crasme.crm.models import Account, Integration, Invoice, Organisation, UsageEvent
from crasme.crm.services import accounts
from crasme.kit.ids import uuid7
from crasme.staff.actors import system
from privacy.models import PreferenceLink
from privacy.services.doors import Door, Specimen, doors

ACTOR = system("doors")
NOBODY = "doors.invalid"  # a domain that no mail server can have (RFC 2606)


@dataclass(frozen=True, slots=True)
class Tried:
    """`free` and `restricted` say whether that specimen came through."""

    door: str
    free: bool
    restricted: bool

    @property
    def is_shut(self) -> bool:
        """Shut, and known to be: what stops everybody proves nothing about restrictions."""
        return self.free and not self.restricted


def check(now: datetime) -> list[Tried]:
    """Try every door. Nothing is stored."""
    partitions.make_span(now, now)  # outside, as always: making a month waits for others
    with transaction.atomic():
        found = [_try(door, now) for door in doors(now)]
        transaction.set_rollback(True)
    return found


def _try(door: Door, now: datetime) -> Tried:
    """Each door gets specimens of its own: some doors leave traces."""
    free, bound = _specimen(now), _specimen(now)
    for account in (bound.used, bound.left):
        accounts.restrict(account, actor=ACTOR, now=now, by_request=True)
    return Tried(door.title, door.comes_through(free), door.comes_through(bound))


def _specimen(now: datetime) -> Specimen:
    organisation = Organisation.objects.create(name="Doors", country="AT", created_at=now)
    used, left = (_account(organisation, now, closed=closed) for closed in (False, True))
    return Specimen(used, left, now)


def _account(organisation: Organisation, now: datetime, *, closed: bool) -> Account:
    account = Account.objects.create(
        organisation=organisation,
        email=f"{uuid.uuid4().hex}@{NOBODY}",
        full_name="Doors",
        status=Account.Status.CLOSED if closed else Account.Status.ACTIVE,
        created_at=now - timedelta(days=2),
        closed_at=now - timedelta(days=1) if closed else None,
    )
    UsageEvent.objects.create(account=account, occurred_at=now, kind=UsageEvent.Kind.PAGE, name="doors")
    for ended in (None, now):
        Integration.objects.create(
            account=account, provider=Integration.Provider.OTHER, connected_at=now, disconnected_at=ended
        )
    Invoice.objects.create(
        number=uuid.uuid4().hex[:30],
        account=account,
        organisation=organisation,
        billed_name="Doors",
        billed_address="–",
        billed_email=account.email,
        issued_on=now.date(),
        description="–",
        currency="EUR",
        net=Decimal(1),
        tax=Decimal(0),
    )
    consent.record_choice(
        event_id=uuid7(),
        visitor=uuid.uuid4(),
        choices={},
        action=consent.Action.REFUSE_ALL,
        surface="api",
        notice_sha=notices.current("en")["sha256"],
        language="en",
        gpc=False,
        decided_at=now,
        now=now,
        account=account.pk,
    )
    browsers.join(uuid.uuid4(), account.pk, now=now)
    acceptances.note(
        act_id=uuid7(),
        account=account.pk,
        document="policy",
        version="doors",
        sha256="0" * 64,
        act=acceptances.Act.TOLD,
        surface=Acceptance.Surface.PRODUCT,
        language="en",
        decided_at=now,
        now=now,
    )
    subject = person_ref(account.email)
    marketing.event(
        subject,
        {},
        event_id=uuid7(),
        action=marketing.Action.RESUME,
        surface=marketing.Surface.API,
        account=account.pk,
        now=now,
    ).save()
    PreferenceLink.objects.create(
        email=account.email, subject=subject, account=account.pk, asked_at=now, next_attempt_at=now
    )
    return account
