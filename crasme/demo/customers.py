"""Organisations, accounts and all that hangs off an account but its events."""

import random
from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction

from crasme.crm.models import (
    Account,
    BillingProfile,
    Contact,
    Credential,
    Deal,
    Device,
    Integration,
    Note,
    Organisation,
    SyncedMessage,
)
from crasme.demo.people import DEALS, NOTES, Population
from crasme.demo.plan import Demo, uuid7_at

# Days since closure, and how many in a hundred accounts: both sides of the 90 days of policy section 8.
CLOSED_DAYS = {10: 2, 89: 2, 91: 2, 400: 2}
BROWSERS = (
    ("desktop", "Windows 11", "Firefox 142", "2560x1440"),
    ("desktop", "macOS 15", "Safari 19", "1728x1117"),
    ("desktop", "Ubuntu 24.04", "Chromium 150", "1920x1080"),
    ("phone", "Android 16", "Chrome 150", "412x915"),
    ("phone", "iOS 19", "Safari 19", "393x852"),
    ("tablet", "iPadOS 19", "Safari 19", "820x1180"),
)
PLACES = {"de": "Vienna, AT", "en": "Leeds, GB", "fr": "Lyon, FR", "es": "Valencia, ES", "ar": "Cairo, EG"}


def make(demo: Demo) -> dict[str, int]:
    """Rows made, by kind. One transaction: a demo that stopped half-way leaves nothing."""
    rng = demo.rng("customers")
    population = Population(rng)
    with transaction.atomic():
        organisations = list(_organisations(demo, population))
        Organisation.objects.bulk_create(organisations)
        accounts = list(_accounts(demo, population, organisations))
        Account.objects.bulk_create(accounts, batch_size=2_000)
        counts = {"organisations": len(organisations), "accounts": len(accounts)}
        return counts | _belongings(demo, rng, population, accounts)


def _organisations(demo: Demo, population: Population) -> Iterator[Organisation]:
    for _index in range(demo.size.organisations):
        language = population.language()
        name, country, address = population.company(language)
        created = demo.ago(population.rng.uniform(950, 3_200))
        yield Organisation(
            id=uuid7_at(created, population.rng),
            name=name,
            country=country,
            business_address=address,
            created_at=created,
        )


def _accounts(demo: Demo, population: Population, organisations: list[Organisation]) -> Iterator[Account]:
    closed_ages = [age for age, share in CLOSED_DAYS.items() for _ in range(share)]
    for index in range(demo.size.accounts):
        organisation = organisations[index % len(organisations)]
        person = population.someone(population.language())
        created = demo.ago(population.rng.uniform(420, 940))
        closed = demo.ago(closed_ages[index % 100]) if index % 100 < len(closed_ages) else None
        yield Account(
            id=uuid7_at(created, population.rng),
            organisation=organisation,
            email=f"{person.mailbox}.{index}@{organisation.country.lower()}.customers.example",
            full_name=person.full_name,
            phone=person.phone,
            business_address=person.address,
            job_title=person.job_title,
            role=Account.Role.OWNER if index < len(organisations) else population.rng.choice(Account.Role.values[1:]),
            language=person.language,
            time_zone=person.time_zone,
            status=Account.Status.CLOSED if closed else Account.Status.ACTIVE,
            created_at=created,
            closed_at=closed,
            restricted_at=demo.ago(20) if index % 130 == 60 else None,
        )


def _belongings(demo: Demo, rng: random.Random, population: Population, accounts: list[Account]) -> dict[str, int]:
    # Hashing is slow on purpose; a few real hashes stand in for two thousand.
    hashes = [make_password(f"demo-{rng.getrandbits(64)}", hasher="argon2") for _ in range(4)]
    credentials, devices, profiles, integrations, messages = [], [], [], [], []
    contacts, deals, notes = [], [], []
    for index, account in enumerate(accounts):
        credentials.append(
            Credential(
                id=uuid7_at(account.created_at, rng),
                account=account,
                password_hash=hashes[index % len(hashes)],
                changed_at=account.created_at,
            )
        )
        devices += _devices(demo, rng, account, rng.choice((1, 1, 2)))
        if account.role == Account.Role.OWNER:
            profiles.append(_billing_profile(rng, account))
        if rng.random() < 0.15:
            connected = account.created_at + timedelta(days=rng.uniform(1, 100))
            integration = Integration(
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
            integrations.append(integration)
        mine = [_contact(rng, population, account) for _ in range(rng.choice((0, 1, 2, 4)))]
        contacts += mine
        for contact in mine:
            common = {"owner": account, "contact": contact, "created_at": contact.created_at}
            deals.append(
                Deal(
                    id=uuid7_at(contact.created_at, rng),
                    title=rng.choice(DEALS[account.language]),
                    value=rng.randrange(200, 40_000),
                    stage=rng.choice(Deal.Stage.values),
                    **common,
                )
            )
            notes.append(Note(id=uuid7_at(contact.created_at, rng), body=rng.choice(NOTES[account.language]), **common))
        if mine and integrations and integrations[-1].account is account:
            messages += _messages(demo, rng, integrations[-1], mine)
    made = {
        "credentials": Credential.objects.bulk_create(credentials, batch_size=2_000),
        "devices": Device.objects.bulk_create(devices, batch_size=2_000),
        "billing profiles": BillingProfile.objects.bulk_create(profiles, batch_size=2_000),
        "contacts": Contact.objects.bulk_create(contacts, batch_size=2_000),
        "deals": Deal.objects.bulk_create(deals, batch_size=2_000),
        "notes": Note.objects.bulk_create(notes, batch_size=2_000),
        "integrations": Integration.objects.bulk_create(integrations, batch_size=2_000),
        "synchronised messages": SyncedMessage.objects.bulk_create(messages, batch_size=2_000),
    }
    return {kind: len(rows) for kind, rows in made.items()}


def _devices(demo: Demo, rng: random.Random, account: Account, count: int) -> Iterator[Device]:
    for _ in range(count):
        kind, system, browser, screen = rng.choice(BROWSERS)
        first = account.created_at + timedelta(days=rng.uniform(0, 60))
        last = account.closed_at or demo.ago(rng.uniform(0, 30))
        yield Device(
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
        company=person.job_title,
    )


def _messages(
    demo: Demo, rng: random.Random, integration: Integration, contacts: list[Contact]
) -> Iterator[SyncedMessage]:
    for contact in contacts:
        sent = demo.ago(rng.uniform(1, 90))
        yield SyncedMessage(
            id=uuid7_at(sent, rng),
            integration=integration,
            contact=contact,
            provider_id=f"{rng.getrandbits(64):016x}",
            thread_id=f"{rng.getrandbits(64):016x}",
            direction=rng.choice(SyncedMessage.Direction.values),
            sent_at=sent,
        )
