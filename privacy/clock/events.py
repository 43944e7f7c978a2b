"""What can happen to a request's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    RECEIVED = "received", _("received")
    REGIME = "regime", _("applicable law found")
    EXTENDED = "extended", _("extended")
    PAUSED = "paused", _("paused")
    RESUMED = "resumed", _("resumed")
    CLOSED = "closed", _("closed")
    REOPENED = "reopened", _("reopened")


class Question(TextChoices):
    """What a person is asked about; of a pause it is the fact `about`."""

    WHAT = "what", _("What exactly is wanted")
    WHO = "who", _("Who is asking")
    FEE = "fee", _("A fee")


# With the answer to these the period only starts; see UK GDPR Art. 12A.
STARTS_OVER = frozenset({Question.WHO, Question.FEE})


@dataclass(frozen=True, slots=True)
class Event:
    """`on` is the calendar day where the controller is. Hours play no part, so neither does daylight saving.

    For an extension `on` is the day on which the notice with its reasons went out: later ones have no effect.
    """

    kind: str
    on: date
    facts: Mapping[str, Any] = field(default_factory=dict)
