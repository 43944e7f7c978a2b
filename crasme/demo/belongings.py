"""What hangs off an account: how it signs in and pays, its devices, its services, and what its owner wrote."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import cache

from django.contrib.auth.hashers import make_password
from django.db.models import Model

from crasme.crm.models import (
    Account,
    BillingProfile,
    Contact,
    Credential,
    Deal,
    Device,
    Integration,
    Note,
    SyncedMessage,
)
from crasme.demo.people import DEALS, NOTES, Population
from crasme.demo.plan import Demo, uuid7_at

# In an order in which every row finds the rows that it points to.
ORDER: tuple[type[Model], ...] = (
    Credential, BillingProfile, Device, Contact, Deal, Note, Integration, SyncedMessage,
)  # fmt: skip
BATCH = 2_000
BROWSERS = (
    ("desktop", "Windows 11", "Firefox 142", "2560x1440"),
    ("desktop", "macOS 15", "Safari 19", "1728x1117"),
    ("desktop", "Ubuntu 24.04", "Chromium 150", "1920x1080"),
    ("phone", "Android 16", "Chrome 150", "412x915"),
    ("phone", "iOS 19", "Safari 19", "393x852"),
    ("tablet", "iPadOS 19", "Safari 19", "820x1180"),
)
PLACES = {"de": "Vienna, AT", "en": "Leeds, GB", "fr": "Lyon, FR", "es": "Valencia, ES", "ar": "Cairo, EG"}


def make(demo: Demo, rng: random.Random, population: Population, accounts: list[Account]) -> Counter[str]:
    """Store everything of these accounts; rows by kind."""
    rows: defaultdict[type[Model], list[Model]] = defaultdict(list)
    for account in accounts:
        for row in _of(demo, rng, population, account):
            rows[type(row)].append(row)
    counts: Counter[str] = Counter()
    for model in ORDER:
        model._default_manager.bulk_create(rows[model], batch_size=BATCH)
        counts[str(model._meta.verbose_name_plural)] = len(rows[model])
    return counts


def _of(demo: Demo, rng: random.Random, population: Population, account: Account) -> Iterator[Model]:
    yield Credential(
        id=uuid7_at(account.created_at, rng),
        account=account,
        password_hash=_some_hash(rng.randrange(2)),
        changed_at=account.created_at,
    )
    for _ in range(rng.choice((1, 1, 2))):
        yield _device(demo, rng, account)
    if account.role == Account.Role.OWNER:
        yield _billing_profile(rng, account)
    contacts = [_contact(rng, population, account) for _ in range(rng.choice((0, 1, 2, 4)))]
    for contact in contacts:
        yield contact
        yield _deal(rng, contact)
        yield _note(rng, contact)
    # Closing an account disconnects its services.
    if account.status == Account.Status.ACTIVE and rng.random() < 0.15:
        integration = _integration(demo, rng, account)
        yield integration
        for contact in contacts:
            yield _message(demo, rng, integration, contact)


@cache
def _some_hash(number: int) -> str:
    """Hashing is slow on purpose; a few real hashes stand in for thousands."""
    return make_password(f"demo-{number}", hasher="argon2")


def _device(demo: Demo, rng: random.Random, account: Account) -> Device:
    kind, system, browser, screen = rng.choice(BROWSERS)
    first = account.created_at + timedelta(days=rng.uniform(0, 15))
    last = account.closed_at or demo.ago(rng.uniform(0, 30))
    return Device(
        id=uuid7_at(first, rng),
        account=account,
        kind=kind,
        operating_system=system,
        browser=browser,
        ip_address=f"203.0.113.{rng.randrange(1, 255)}",
        approximate_location=PLACES[account.language],
        screen_resolution=screen,
        display_settings={"theme": rng.choice(("dark", "light")), "density": "comfortable"},
        language=account.language,
        time_zone=account.time_zone,
        first_seen_at=first,
        last_seen_at=max(first, last),
    )


def _billing_profile(rng: random.Random, account: Account) -> BillingProfile:
    return BillingProfile(
        id=uuid7_at(account.created_at, rng),
        account=account,
        billing_name=account.organisation.name,
        billing_email=account.email,
        billing_address=account.organisation.business_address,
        tax_number=f"{account.organisation.country}U{rng.randrange(10**7, 10**8)}",
        processor="Mollie",
        processor_customer=f"cst_{rng.getrandbits(40):010x}",
        updated_at=account.created_at,
    )


def _contact(rng: random.Random, population: Population, account: Account) -> Contact:
    person = population.someone(account.language)
    created = account.created_at + timedelta(days=rng.uniform(0, 15))
    return Contact(
        id=uuid7_at(created, rng),
        owner=account,
        created_at=created,
        full_name=person.full_name,
        email=f"{person.mailbox}@contacts.example",
        phone=person.phone,
        company=population.company(account.language),
    )


def _deal(rng: random.Random, contact: Contact) -> Deal:
    return Deal(
        id=uuid7_at(contact.created_at, rng),
        owner=contact.owner,
        contact=contact,
        created_at=contact.created_at,
        title=rng.choice(DEALS[contact.owner.language]),
        value=rng.randrange(200, 40_000),
        stage=rng.choice(Deal.Stage.values),
    )


def _note(rng: random.Random, contact: Contact) -> Note:
    return Note(
        id=uuid7_at(contact.created_at, rng),
        owner=contact.owner,
        contact=contact,
        created_at=contact.created_at,
        body=rng.choice(NOTES[contact.owner.language]),
    )


def _integration(demo: Demo, rng: random.Random, account: Account) -> Integration:
    connected = account.created_at + timedelta(days=rng.uniform(1, 100))
    return Integration(
        id=uuid7_at(connected, rng),
        account=account,
        provider=Integration.Provider.GMAIL,
        scopes=["gmail.metadata"],
        access_token=f"ya29.demo-{rng.getrandbits(96):x}",
        refresh_token=f"1//demo-{rng.getrandbits(96):x}",
        sync_cursor=str(rng.randrange(10**6, 10**7)),
        connected_at=connected,
        synced_at=demo.ago(rng.uniform(0, 3)),
    )


def _message(demo: Demo, rng: random.Random, integration: Integration, contact: Contact) -> SyncedMessage:
    sent = demo.ago(rng.uniform(1, 90))
    return SyncedMessage(
        id=uuid7_at(sent, rng),
        integration=integration,
        contact=contact,
        provider_id=f"{rng.getrandbits(64):016x}",
        thread_id=f"{rng.getrandbits(64):016x}",
        direction=rng.choice(SyncedMessage.Direction.values),
        sent_at=sent,
    )
