"""What the clock starts."""

from celery import shared_task
from django.utils import timezone

from consent import filing, rates, seal


@shared_task
def make_partitions() -> None:
    """Months for choices are there long before anybody needs them; idempotent."""
    filing.make_partitions(timezone.now())


@shared_task
def count_answers() -> None:
    """The last days' answers by notice version; idempotent, since each time they are counted anew."""
    rates.count(timezone.now())


@shared_task
def seal_day() -> None:
    """Yesterday's choices under one entry of the ledger; idempotent."""
    seal.seal_day(timezone.now())
