"""Tables that exist for these tests only, in a registry of their own: no check and no migration ever sees them."""

from typing import ClassVar, Self

from django.apps.registry import Apps
from django.db import models
from django.db.models import Q

from crasme.kit.cards import CardFree, CardFreeQuerySet
from crasme.kit.claims import Claimable
from crasme.kit.fields import EncryptedBytesField, EncryptedTextField, PeriodField
from crasme.kit.ids import uuid7

registry = Apps(["crasme.kit"])


class Job(Claimable):
    id = models.UUIDField(primary_key=True, default=uuid7)
    note = models.CharField(max_length=40, blank=True, default="")

    class Meta(Claimable.Meta):
        app_label = "kit"
        apps = registry


class Secret(models.Model):  # noqa: DJ008
    token = EncryptedTextField(null=True)
    other = EncryptedTextField(blank=True, default="")
    file = EncryptedBytesField(null=True)
    period = PeriodField(default="P24M")

    class Meta:
        app_label = "kit"
        apps = registry


class Remark(CardFree):
    title = models.CharField(max_length=80, blank=True)
    body = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)
    secret = EncryptedTextField(blank=True, default="")
    count = models.BigIntegerField(default=0)

    class Meta:
        app_label = "kit"
        apps = registry


class ReferenceQuerySet(CardFreeQuerySet):
    def noted(self) -> Self:
        return self.exclude(note="")


class Reference(CardFree):
    CARD_FREE_FIELDS = ("note",)
    number = models.CharField(max_length=40)
    note = models.CharField(max_length=80, blank=True)

    objects = ReferenceQuerySet.as_manager()

    class Meta:
        app_label = "kit"
        apps = registry


class Careless(CardFree):
    note = models.TextField()
    objects = models.Manager()

    class Meta:
        app_label = "kit"
        apps = registry


class Reading(models.Model):  # noqa: DJ008
    """Created partitioned by the tests of partitions."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    taken_at = models.DateTimeField()
    kind = models.CharField(max_length=20, db_index=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True)
    number = models.IntegerField(default=0, db_default=7)
    period = PeriodField(default="P24M")

    class Meta:
        app_label = "kit"
        apps = registry
        indexes: ClassVar = [models.Index(fields=["kind", "taken_at"], name="kit_reading_kind_taken")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(number__gte=0), name="kit_reading_number"),
            models.UniqueConstraint(fields=["kind", "taken_at"], name="kit_reading_once"),
        ]
