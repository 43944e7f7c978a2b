"""What the clock starts."""

from celery import shared_task
from django.utils import timezone

from consent import filing


@shared_task
def make_partitions() -> None:
    """Months for choices are there long before anybody needs them; idempotent."""
    filing.make_partitions(timezone.now())
