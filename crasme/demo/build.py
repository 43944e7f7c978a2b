"""The sections of the demo, in the order in which they stand on each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from consent.models import ConsentEvent
from crasme.crm.models import Account, Invoice, UsageEvent
from crasme.demo import choices, customers, holds, invoices, requests, staff, usage
from crasme.demo.plan import Demo
from privacy.models import Request
from retention.models import Hold

Draw = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Section:
    """`present` says whether there is nothing left to do; `make` returns rows made by kind."""

    title: str
    present: Callable[[], bool]
    make: Callable[[Draw], dict[str, int]]


def sections(demo: Demo) -> Iterator[Section]:
    yield Section("staff", staff.present, lambda draw: staff.make())
    yield Section("customers", Account.objects.exists, lambda draw: customers.make(demo))
    yield Section("usage", UsageEvent.objects.exists, lambda draw: usage.make(demo, progress=draw))
    yield Section("invoices", Invoice.objects.exists, lambda draw: invoices.make(demo))
    yield Section("choices", ConsentEvent.objects.exists, lambda draw: choices.make(demo))
    yield Section("holds", Hold.objects.exists, lambda draw: holds.make(demo))
    yield Section("requests", Request.objects.exists, lambda draw: requests.make(demo, progress=draw))
