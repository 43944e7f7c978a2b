"""Nine years of invoices: the last seven must be kept, the older ones must go."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import batched, chain

from crasme.crm.models import Account, BillingProfile, Invoice
from crasme.demo.plan import Counts, Demo, Draw, uuid7_at
from crasme.kit.calendar import Period, add, month_floor

BATCH = 2_000


def make(demo: Demo, draw: Draw) -> Counts:
    payers = BillingProfile.objects.select_related("account__organisation").order_by("pk")
    made, total = 0, payers.count()
    streams = (_reporting(draw, place, total, _invoices(demo, payer)) for place, payer in enumerate(payers.iterator()))
    for batch in batched(chain.from_iterable(streams), BATCH):
        made += len(Invoice.objects.bulk_create(batch))
    return {"invoices": made}


def _reporting(draw: Draw, place: int, total: int, invoices: Iterator[Invoice]) -> Iterator[Invoice]:
    yield from invoices
    draw(place + 1, total)


def _invoices(demo: Demo, payer: BillingProfile) -> Iterator[Invoice]:
    """One a month since the organisation is a customer, nine years at most, with the billed party copied as it was."""
    account: Account = payer.account
    rng = demo.rng(f"invoices:{account.email}")
    seats = rng.randrange(3, 60)
    month: date = month_floor(max(demo.invoice_start, account.organisation.created_at)).date()
    while month < demo.now.date():
        issued = min(month.replace(day=rng.randrange(1, 29)), demo.now.date())
        net = Decimal(seats * 19)
        yield Invoice(
            id=uuid7_at(datetime.combine(issued, time.min, UTC), rng),
            number=f"{month:%Y%m}-{account.pk.hex[-8:].upper()}",
            account=account,
            organisation=account.organisation,
            billed_name=payer.billing_name,
            billed_address=payer.billing_address,
            billed_email=payer.billing_email,
            tax_number=payer.tax_number,
            issued_on=issued,
            description=f"Crasme CRM, {seats} seats, {month:%m/%Y}",
            currency="EUR",
            net=net,
            tax=(net * Decimal("0.2")).quantize(Decimal("0.01")),
            processor=payer.processor,
            processor_reference=f"tr_{rng.getrandbits(40):010x}",
        )
        month = add(month, Period(months=1))
        seats = max(1, seats + rng.choice((-1, 0, 0, 1)))
