"""Which version of a document an account was told of, accepted or declined: the other half of the ledger of choices.

What could go wrong: a later text seems to have been accepted, or a retry counts twice. So an act names the version and
its digest, its id is made by whoever sends it (UUIDv7), and a trigger refuses UPDATE and DELETE outside of retention.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7


class Acceptance(models.Model):
    class Act(models.TextChoices):
        TOLD = "told", _("was told")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")

    class Surface(models.TextChoices):
        PORTAL = "portal", _("self-service page")
        PRODUCT = "product", _("in the product")
        MAIL = "mail", _("by mail")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    account = models.UUIDField(_("account"))
    document = models.SlugField(_("document"), max_length=32)
    version = models.CharField(_("version"), max_length=16)
    sha256 = models.CharField(_("SHA-256"), max_length=64, help_text=_("Of the text."))
    act = models.CharField(_("what was done"), max_length=8, choices=Act.choices)
    surface = models.CharField(_("made on"), max_length=8, choices=Surface.choices)
    language = models.CharField(_("language"), max_length=8)
    decided_at = models.DateTimeField(_("decided at"))
    received_at = models.DateTimeField(_("received at"))
    digest = models.CharField(_("digest"), max_length=64, help_text=_("SHA-256 of the row's canonical JSON."))

    class Meta:
        verbose_name = _("acceptance of a document")
        verbose_name_plural = _("acceptances of documents")
        ordering: ClassVar = ["-decided_at", "-id"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["account", "document", "-decided_at"], name="consent_acceptance_account"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "document", "version"],
                condition=models.Q(act="told"),
                name="consent_acceptance_told_once",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_at__lte=models.F("received_at")),
                name="consent_acceptance_decided_first",
                violation_error_message=_("A choice cannot be received before it was made."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.id.hex[-8:]}"

    def computed_digest(self) -> str:
        return digest({
            "id": str(self.id), "account": str(self.account), "document": self.document, "version": self.version,
            "sha256": self.sha256, "act": self.act, "surface": self.surface, "language": self.language,
            "decided_at": self.decided_at.isoformat(), "received_at": self.received_at.isoformat(),
        })  # fmt: skip
