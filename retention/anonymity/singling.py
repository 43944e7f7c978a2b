"""WP216's first question, can somebody be singled out: small classes, rare values, columns nobody decided about."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import models
from django.db.models import Sum

from crasme.kit.fields import EncryptedField
from retention.anonymity.classes import grouped
from retention.anonymity.measuring import Measured
from retention.anonymity.report import Figures, Finding, Question
from retention.fields import FRESH

# Kinds whose values hide what is in them.
_OPAQUE = (models.JSONField, models.BinaryField, EncryptedField)


def decided(measured: Measured, now: datetime) -> Iterator[Finding]:
    """What is found without a look at any row."""
    if measured.decision.review_on < now.astimezone(UTC).date():
        yield Finding(Question.SINGLE_OUT, "review-overdue", "anonymity")
    for field in measured.model._meta.concrete_fields:
        change = measured.changes.get(field.name)
        ended = change is not None and (change.constant or change.how == FRESH)
        if not ended and not field.primary_key and field.name not in measured.decision.classified:
            yield Finding(Question.SINGLE_OUT, "unclassified", field.name)


def found(measured: Measured, after: Figures) -> Iterator[Finding]:
    decision = measured.decision
    if after.smallest < decision.k:
        yield Finding(Question.SINGLE_OUT, "small-class", ", ".join(decision.quasi), after.below)
    # What cannot be compared with other tables may hold a key of somebody's, whatever it was called.
    opaque = [name for name in decision.sensitive if isinstance(measured.model._meta.get_field(name), _OPAQUE)]
    for name in (*decision.harmless, *opaque):
        classes = grouped(measured.rows, measured.after, (name,)).filter(people__lt=decision.k)
        if rare := classes.aggregate(rows=Sum("n"))["rows"]:
            yield Finding(Question.SINGLE_OUT, "rare-value", name, rare)
