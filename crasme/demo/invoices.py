"""Nine years of invoices: the last seven must be kept, the older ones must go."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from crasme.crm.models import Account, Invoice
from crasme.demo.plan import INVOICE_SPAN, Demo, uuid7_at
from crasme.kit.calendar import Period, add, cutoff, month_floor


def make(demo: Demo) -> dict[str, int]:
    owners = Account.objects.filter(role=Account.Role.OWNER).select_related("organisation").order_by("pk")
    rows = [invoice for owner in owners for invoice in _invoices(demo, owner)]
    Invoice.objects.bulk_create(rows, batch_size=2_000)
    return {"invoices": len(rows)}


def _invoices(demo: Demo, owner: Account) -> Iterator[Invoice]:
    """One a month, with the billed party copied as it was."""
    rng = demo.rng(f"invoices:{owner.pk}")
    seats = rng.randrange(3, 60)
    month: date = month_floor(cutoff(demo.now, INVOICE_SPAN)).date()
    while month < demo.now.date():
        net = Decimal(seats * 19)
        yield Invoice(
            id=uuid7_at(demo.now, rng),
            number=f"{month:%Y%m}-{owner.pk.hex[-8:].upper()}",
            account=owner,
            organisation=owner.organisation,
            billed_name=owner.organisation.name,
            billed_address=owner.organisation.business_address,
            billed_email=owner.email,
            tax_number=f"{owner.organisation.country}U{rng.randrange(10**7, 10**8)}",
            issued_on=month.replace(day=rng.randrange(1, 29)),
            description=f"Crasme CRM, {seats} seats, {month:%m/%Y}",
            currency="EUR",
            net=net,
            tax=(net * Decimal("0.2")).quantize(Decimal("0.01")),
            processor="Mollie",
            processor_reference=f"tr_{rng.getrandbits(40):010x}",
        )
        month = add(month, Period(months=1))
        seats = max(1, seats + rng.choice((-1, 0, 0, 1)))
