"""Usage events (P1.2): one row a thing that somebody did in the CRM, in monthly partitions by UTC month.

What could go wrong: a month without a partition refuses its events, so months are made ahead (crasme.crm.tasks) and
alarmed about; a DEFAULT partition would hide that and forbid detaching. `account_id` has no foreign key: a check per
row would halve the intake, and the intake joins the accounts anyway.
"""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.cards import CardFree, CardFreeQuerySet
from crasme.kit.ids import uuid7


class EventQuerySet(CardFreeQuerySet):
    def expired(self, cutoff: datetime) -> Self:
        """Strictly before `cutoff` (aware, UTC); the cut-off instant is kept."""
        return self.filter(occurred_at__lt=cutoff)

    def analysable(self) -> Self:
        """What analysis may read: nothing of restricted or closed accounts, nor of people who object to it."""
        return self.filter(account__status="active", account__restricted_at=None, account__analytics_objected_at=None)


class Event(CardFree):
    """The columns of an event, shared by the partitioned table and the shelf for rows on hold."""

    class Kind(models.TextChoices):
        PAGE = "page", _("page visited")
        FEATURE = "feature", _("feature used")
        ACTION = "action", _("action performed")
        SECTION = "section", _("time spent in a section")
        SEARCH = "search", _("search")
        FILTER = "filter", _("filter preference")
        ERROR = "error", _("error")
        PERFORMANCE = "performance", _("performance")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    occurred_at = models.DateTimeField(_("occurred at"))
    account = models.ForeignKey(
        "crm.Account",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("account"),
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=120, help_text=_("The page, feature, action, section or metric."))
    duration_ms = models.IntegerField(_("duration"), null=True, blank=True, help_text=_("Milliseconds."))
    detail = models.JSONField(
        _("detail"), default=dict, blank=True, help_text=_("The search query, the filter chosen, the error's code.")
    )

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk.hex[-8:]}"


class UsageEvent(Event):
    """Partitioned by month of `occurred_at`; in the database the key is (id, occurred_at)."""

    class Meta:
        verbose_name = _("usage event")
        verbose_name_plural = _("usage events")
        ordering: ClassVar = ["-occurred_at"]
        indexes: ClassVar = [
            models.Index(fields=["account", "occurred_at"], name="crm_usage_account"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(duration_ms=None) | Q(duration_ms__gte=0),
                name="crm_usage_duration",
                violation_error_message=_("A duration is never negative."),
            ),
        ]


class HeldUsageEvent(Event):
    """Events on hold whose partition was dropped; they stay visible to holds, exports and erasures.

    In the database the key is (id, occurred_at) here too.
    """

    carried_at = models.DateTimeField(_("carried over at"))

    class Meta:
        verbose_name = _("usage event on hold")
        verbose_name_plural = _("usage events on hold")
        ordering: ClassVar = ["-occurred_at"]
        indexes: ClassVar = [
            models.Index(fields=["account", "occurred_at"], name="crm_heldusage_account"),
        ]
