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
