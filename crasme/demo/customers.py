"""Organisations and accounts, with all that hangs off an account (crasme.demo.belongings) but its events."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import batched

from crasme.crm.models import Account, Organisation
from crasme.demo import belongings
from crasme.demo.people import LANGUAGE_OF, LOCALES, Population
from crasme.demo.plan import Counts, Demo, Draw, uuid7_at

BATCH = 1_000
# Days since closure, and how many in a hundred accounts: both sides of the 90 days of policy section 8.
CLOSED_DAYS = {10: 2, 89: 2, 91: 2, 400: 2}
RESTRICTED_EVERY = 130
# Somebody in five works in another language than the company's.
SPEAKS_ANOTHER = 0.2


def make(demo: Demo, draw: Draw) -> Counts:
    """Rows made, by kind. Accounts are made batch by batch, so that memory stays as it is however many there are."""
    rng = demo.rng("customers")
    population = Population(rng)
    organisations = list(_organisations(demo, population))
    Organisation.objects.bulk_create(organisations, batch_size=BATCH)
    counts = Counter({"organisations": len(organisations)})
    for batch in batched(_accounts(demo, population, organisations), BATCH):
        accounts = list(batch)
        Account.objects.bulk_create(accounts)
        counts["accounts"] += len(accounts)
        counts.update(belongings.make(demo, rng, population, accounts))
        draw(counts["accounts"], demo.size.accounts)
    return dict(counts)


def _organisations(demo: Demo, population: Population) -> Iterator[Organisation]:
    """Every third has been a customer for longer than invoices are kept."""
    longest = (demo.now - demo.invoice_start).days + 5
    for index in range(demo.size.organisations):
        language = population.language()
        age = longest if index % 3 == 0 else population.rng.uniform(950, longest)
        created = demo.ago(age)
        yield Organisation(
            id=uuid7_at(created, population.rng),
            name=population.company(language),
            country=LOCALES[language].country,
            business_address=population.address(language),
            created_at=created,
        )


def _accounts(demo: Demo, population: Population, organisations: list[Organisation]) -> Iterator[Account]:
    """First an owner for each organisation, as old as it and neither closed nor restricted; then everybody else."""
    for index in range(demo.size.accounts):
        organisation = organisations[index % len(organisations)]
        other = index - len(organisations)
        if other < 0:
            yield _account(demo, population, organisation, index, Account.Role.OWNER, organisation.created_at)
            continue
        created = demo.ago(population.rng.uniform(420, 940))
        role = population.rng.choice(Account.Role.values[1:])
        account = _account(demo, population, organisation, index, role, created)
        if (closed := _closed(demo, other)) is not None:
            account.status, account.closed_at = Account.Status.CLOSED, closed
        if other % RESTRICTED_EVERY == RESTRICTED_EVERY // 2:
            account.restricted_at = demo.ago(20)
        yield account


def _account(
    demo: Demo, population: Population, organisation: Organisation, index: int, role: str, created: datetime
) -> Account:
    language = LANGUAGE_OF[organisation.country]
    if population.rng.random() < SPEAKS_ANOTHER:
        language = population.language()
    person = population.someone(language)
    return Account(
        id=uuid7_at(created, population.rng),
        organisation=organisation,
        email=f"{person.mailbox}.{index}@{organisation.country.lower()}.customers.example",
        full_name=person.full_name,
        phone=person.phone,
        business_address=population.address(language),
        job_title=population.job_title(language),
        role=role,
        language=language,
        time_zone=LOCALES[language].time_zone,
        created_at=created,
    )


def _closed(demo: Demo, position: int) -> datetime | None:
    ages = [age for age, share in CLOSED_DAYS.items() for _ in range(share)]
    place = position % 100
    return demo.ago(ages[place]) if place < len(ages) else None
