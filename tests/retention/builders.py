"""People with everything that hangs off them, as small as a retention test needs them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from crasme.crm.models import (
    Account,
    BillingProfile,
    Contact,
    Credential,
    Deal,
    Device,
    HeldUsageEvent,
    Integration,
    Invoice,
    Note,
    Organisation,
    SyncedMessage,
    UsageEvent,
)
from crasme.crm.partitions import TABLE
from crasme.kit.ids import uuid7
from crasme.kit.partitions import ensure_months
from crasme.staff.models import User
from retention import holds
from retention.holds import Held
from retention.models import Hold, Rule

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HASH = "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$0123456789abcdef"


def organisation(name: str = "Ziegler & Co") -> Organisation:
    return Organisation.objects.create(name=name, country="AT", created_at=NOW - timedelta(days=3000))


def account(in_: Organisation | None = None, *, closed: datetime | None = None, **fields: Any) -> Account:
    key = uuid7()
    made: dict[str, Any] = {
        "email": f"a{key.hex[-12:]}@example.com",
        "full_name": f"Name {key.hex[-12:]}",
        "created_at": datetime(2015, 1, 1, tzinfo=UTC),
        "status": Account.Status.CLOSED if closed else Account.Status.ACTIVE,
        "closed_at": closed,
    }
    return Account.objects.create(id=key, organisation=in_ or organisation(), **made | fields)


def furnish(owner: Account, *, events: int = 2, mark: str = "") -> Account:
    """One row of every kind; `mark` stands in every text column."""
    mark = mark or "plain"
    Credential.objects.create(account=owner, password_hash=HASH, changed_at=NOW)
    BillingProfile.objects.create(
        account=owner,
        billing_name=mark,
        billing_address=mark,
        billing_email=owner.email,
        processor="stripe",
        processor_customer=f"cus_{mark}",
        updated_at=NOW,
    )
    Device.objects.create(
        account=owner, kind="phone", browser=mark, display_settings={"theme": mark}, first_seen_at=NOW, last_seen_at=NOW
    )
    contact = Contact.objects.create(owner=owner, created_at=NOW, full_name=mark, company=mark)
    Deal.objects.create(owner=owner, created_at=NOW, contact=contact, title=mark)
    Note.objects.create(owner=owner, created_at=NOW, contact=contact, body=mark)
    connection = Integration.objects.create(
        account=owner, provider="gmail", access_token=mark, refresh_token=mark, sync_cursor=mark, connected_at=NOW
    )
    SyncedMessage.objects.create(
        integration=connection, contact=contact, provider_id=f"m-{mark}", direction="sent", sent_at=NOW
    )
    for number in range(events):
        event(owner, NOW - timedelta(days=30 * number), detail={"query": mark})
    return owner


def device(owner: Account, **fields: Any) -> Device:
    made: dict[str, Any] = {"kind": "phone", "first_seen_at": NOW, "last_seen_at": NOW}
    return Device.objects.create(account=owner, **made | fields)


def event(owner: Account | UUID, at: datetime, **fields: Any) -> UsageEvent:
    ensure_months(connection, TABLE, at, at)
    key = owner.pk if isinstance(owner, Account) else owner
    made: dict[str, Any] = {"kind": "page", "name": "/deals"}
    return UsageEvent.objects.create(account_id=key, occurred_at=at, **made | fields)


def shelved(owner: Account, at: datetime) -> HeldUsageEvent:
    return HeldUsageEvent.objects.create(account=owner, occurred_at=at, kind="page", name="/", carried_at=NOW)


def invoice(of: Account | None, issued_on: date, **fields: Any) -> Invoice:
    made: dict[str, Any] = {
        "number": f"R-{uuid7().hex[-12:]}",
        "account": of,
        "organisation": fields.pop("organisation", None) or (of.organisation if of else organisation()),
        "billed_name": "Somebody",
        "billed_address": "Somewhere 1",
        "billed_email": of.email if of else "",
        "issued_on": issued_on,
        "description": "Subscription",
        "currency": "EUR",
        "net": Decimal(100),
        "tax": Decimal(20),
    }
    return Invoice.objects.create(**made | fields)


def officer(email: str = "officer@crasme.test") -> User:
    return User.objects.filter(email=email).first() or User.objects.create_superuser(email)


def rule(slug: str) -> Rule:
    return Rule.objects.active().get(slug=slug)


def hold(*items: Held, matter: str = "M-17", now: datetime = NOW) -> Hold:
    return holds.place(
        matter=matter,
        reason="A claim was raised.",
        owner=officer(),
        review_on=date(2027, 1, 1),
        items=items,
        actor="staff:test",
        now=now,
    )
