"""Changing the draft of the registry. Each change leaves evidence; none takes effect before it is published.

What could go wrong: a change is made and forgotten. `outdated` tells, and the admin shows it until somebody publishes.
"""

from django.db import transaction

from consent import drafting, topics, verbs
from consent.models import Category, Channel, Cookie, RegistryVersion, Service, Topic
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


def save_topic(topic: Topic, *, actor: str) -> None:
    """Add or change a marketing topic; it counts at once here and within half a minute elsewhere."""
    topic.full_clean()
    with transaction.atomic():
        topic.save()
        facts = {name: getattr(topic, name) for name in ("active", *Channel.values)}
        record(verbs.TOPIC_CHANGED.name, actor=actor, topic=topic.slug, **facts)
        topics.forget_after_commit()


def outdated() -> bool:
    """Whether the draft differs from the version in force."""
    newest = RegistryVersion.objects.order_by("-number").values_list("sha256", flat=True).first()
    return newest is not None and newest != drafting.version()


def _record(row: Row, change: str, actor: str) -> None:
    record(
        verbs.REGISTRY_CHANGED.name,
        actor=actor,
        table=row._meta.label_lower,
        row=row.pk,
        change=change,
        registry=drafting.version(),
    )
