"""Evidence that only grows. It holds no personal data and no foreign keys: what it speaks of may be erased."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class Entry(models.Model):
    """One thing that was done. `subject` is a keyed hash; `facts` holds numbers, slugs, ids and digests only."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now(), editable=False)
    verb = models.CharField(_("verb"), max_length=64)
    actor = models.CharField(_("actor"), max_length=80)
    subject = models.CharField(_("subject reference"), max_length=80, blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    digest = models.CharField(_("digest"), max_length=64, help_text=_("SHA-256 of the entry's canonical JSON."))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["verb", "-recorded_at"], name="ledger_entry_verb"),
            models.Index(fields=["subject", "-recorded_at"], name="ledger_entry_subject"),
        ]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.verb} {self.id}"

    @property
    def short_id(self) -> str:
        return uuid.UUID(str(self.id)).hex[-8:]


class Seal(models.Model):
    """A batch of entries in one order for ever: the root of the Merkle tree over their digests, signed, and tied to the
    seal before it."""

    number = models.PositiveBigIntegerField(_("number"), primary_key=True, help_text=_("From 1, without gaps."))
    sealed_at = models.DateTimeField(_("sealed at"))
    entries = models.PositiveIntegerField(_("entries"))
    root = models.CharField(_("root"), max_length=64)
    previous = models.CharField(_("seal before it"), max_length=64, blank=True, help_text=_("Its digest."))
    digest = models.CharField(_("digest"), max_length=64)
    key = models.CharField(_("public key"), max_length=64)
    signature = models.CharField(_("signature"), max_length=128)

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        ordering: ClassVar = ["-number"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.number}"


class Leaf(models.Model):
    """Where an entry stands: in no seal yet, or at a place (from 0) of one. The database makes it with the entry."""

    entry = models.UUIDField(_("entry"), primary_key=True)
    seal = models.ForeignKey(
        Seal, on_delete=models.PROTECT, null=True, related_name="leaves", db_index=False, verbose_name=_("seal")
    )
    place = models.PositiveIntegerField(_("place"), null=True)

    class Meta:
        verbose_name = _("place of an entry")
        verbose_name_plural = _("places of entries")
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(fields=["entry"], condition=models.Q(seal=None), name="ledger_leaf_unsealed"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["seal", "place"], name="ledger_leaf_place"),
            models.CheckConstraint(
                condition=models.Q(seal=None, place=None) | models.Q(seal__isnull=False, place__isnull=False),
                name="ledger_leaf_sealed_whole",
                violation_error_message=_("A sealed entry has a place in its seal."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seal_id}/{self.place}"
