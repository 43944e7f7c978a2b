"""People with a given number of rows each, spread over the tables of the CRM as those of a real customer are."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import batched
from uuid import UUID

from django.db import connection, models

from crasme.crm import partitions
from crasme.crm.models import (
    Account,
    BillingProfile,
    Contact,
    Credential,
    Deal,
    Device,
    Integration,
    Invoice,
    Note,
    Organisation,
    SyncedMessage,
)
from crasme.kit.ids import uuid7

FEWEST = 15
BATCH = 250
MONTHS = 23
HASH = "argon2$argon2id$v=19$m=102400,t=2,p=8$" + "c29tZXNhbHQ$" + "b" * 43


@dataclass(frozen=True, slots=True)
class Someone:
    account: UUID
    email: str


def make(count: int, rows: int, *, mark: str, now: datetime) -> list[Someone]:
    """`count` people of `rows` rows each; `mark` tells their addresses from those of another call."""
    if rows < FEWEST:
        raise ValueError(f"A person has {FEWEST} rows at least: one in each table.")
    partitions.make_span(now - timedelta(days=31 * MONTHS), now)
    organisation = Organisation.objects.create(name="Bench", country="AT", created_at=now - timedelta(days=900))
    made: list[Someone] = []
    for numbers in batched(range(count), BATCH, strict=False):
        accounts = [_account(organisation, f"{mark}{number}@bench.example", now) for number in numbers]
        store: dict[type[models.Model], list[models.Model]] = {Account: list(accounts)}
        events = []
        for account in accounts:
            listed = list(_belongings(account, rows, now))
            for row in listed:
                store.setdefault(type(row), []).append(row)
            events += _events(account, rows - 1 - len(listed), now)
        for model, found in store.items():
            model._default_manager.bulk_create(found, batch_size=2_000)
        _copy(events)
        made += [Someone(account.pk, account.email) for account in accounts]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made


def _account(organisation: Organisation, email: str, now: datetime) -> Account:
    return Account(
        organisation=organisation,
        email=email,
        full_name="Ada Müller",
        phone="+43 1 9346633",
        business_address="Hauptstraße 1, 1010 Wien",
        job_title="Dispatcher",
        created_at=now - timedelta(days=800),
    )


def _belongings(account: Account, rows: int, now: datetime) -> Iterator[models.Model]:
    """Everything but the usage: a fifth of the rows of somebody who has two hundred."""
    yield Credential(account=account, password_hash=HASH, changed_at=now)
    yield BillingProfile(
        account=account,
        billing_name=account.full_name,
        billing_email=account.email,
        billing_address=account.business_address,
        processor="stripe",
        processor_customer=f"cus_{account.pk.hex[:14]}",
        updated_at=now,
    )
    yield from (_invoice(account, now.date() - timedelta(days=31 * each)) for each in range(max(1, rows // 40)))
    yield from (_device(account, now) for _ in range(max(1, rows // 60)))
    contacts = [_contact(account, number, now) for number in range(max(1, rows // 25))]
    yield from contacts
    yield from (Deal(owner=account, contact=each, title="Twelve vans", created_at=now) for each in contacts)
    yield from (Note(owner=account, contact=each, body="Call back on Monday.", created_at=now) for each in contacts)
    integration = Integration(
        account=account,
        provider=Integration.Provider.GMAIL,
        scopes=["gmail.metadata"],
        access_token="ya29.access",  # noqa: S106
        refresh_token="1//refresh",  # noqa: S106
        connected_at=now,
    )
    yield integration
    yield from (
        SyncedMessage(integration=integration, contact=each, provider_id=uuid7().hex, direction="sent", sent_at=now)
        for each in contacts[: max(1, rows // 40)]
    )


def _invoice(account: Account, day: date) -> Invoice:
    return Invoice(
        number=uuid7().hex[-16:],
        account=account,
        organisation=account.organisation,
        billed_name=account.full_name,
        billed_address=account.business_address,
        billed_email=account.email,
        issued_on=day,
        description="Subscription",
        currency="EUR",
        net=Decimal("100.00"),
        tax=Decimal("20.00"),
        processor="stripe",
        processor_reference=uuid7().hex[:20],
    )


def _device(account: Account, now: datetime) -> Device:
    return Device(
        account=account,
        kind=Device.Kind.DESKTOP,
        operating_system="Ubuntu 24.04",
        browser="Firefox 142",
        ip_address="203.0.113.7",
        display_settings={"theme": "dark"},
        first_seen_at=now - timedelta(days=300),
        last_seen_at=now,
    )


def _contact(account: Account, number: int, now: datetime) -> Contact:
    return Contact(
        owner=account, full_name=f"Contact {number}", email=f"contact{number}@elsewhere.example", created_at=now
    )


def _events(account: Account, count: int, now: datetime) -> Iterator[str]:
    detail = json.dumps({"query": "offene Angebote März"}, ensure_ascii=False)
    step = timedelta(days=30 * MONTHS) / max(1, count)
    for number in range(count):
        moment = (now - number * step).astimezone(UTC).isoformat()
        yield f"{uuid7()}\t{moment}\t{account.pk}\tsearch\tsearch\t120\t{detail}\n"


def _copy(lines: list[str]) -> None:
    columns = "id, occurred_at, account_id, kind, name, duration_ms, detail"
    with connection.cursor() as cursor, cursor.copy(f"COPY crm_usageevent ({columns}) FROM STDIN") as copy:
        copy.write("".join(lines))
