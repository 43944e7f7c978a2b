"""Changing the registry. Each change leaves evidence, and takes effect in every process within half a minute.

What could go wrong: the published notice no longer says what the registry does. `outdated` tells, and the admin shows
it until somebody publishes.
"""

from django.db import transaction

from consent import registry, verbs
from consent.models import Category, Cookie, Notice, Service
from crasme.ledger.services import record

Row = Category | Service | Cookie


def save(row: Row, *, actor: str) -> None:
    """Declare or change one row; ValidationError with words for staff when it does not fit."""
    change = "declared" if row._state.adding else "changed"
    row.full_clean()
    with transaction.atomic():
        row.save()
        _record(row, change, actor)


def remove(row: Row, *, actor: str) -> None:
    """Take one row out. ProtectedError while cookies still name it."""
    with transaction.atomic():
        pk = row.pk
        row.delete()
        row.pk = pk
        _record(row, "removed", actor)


def outdated() -> bool:
    """Whether the registry has changed since the last notice was published."""
    newest = Notice.objects.order_by("-version").values_list("registry", flat=True).first()
    return newest is not None and newest != registry.version()


def _record(row: Row, change: str, actor: str) -> None:
    record(
        verbs.REGISTRY_CHANGED.name,
        actor=actor,
        table=row._meta.label_lower,
        row=row.pk,
        change=change,
        registry=registry.version(),
    )
    registry.forget_after_commit()
