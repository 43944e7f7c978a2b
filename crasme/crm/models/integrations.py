"""Connected services (P7.1). Of mail, only what synchronising needs: no subject, no text, no address."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7


class Integration(models.Model):
    class Provider(models.TextChoices):
        GMAIL = "gmail", "Gmail"
        OTHER = "other", _("other")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        "crm.Account", on_delete=models.CASCADE, related_name="integrations", verbose_name=_("account")
    )
    provider = models.CharField(_("provider"), max_length=10, choices=Provider.choices)
    scopes = models.JSONField(_("scopes"), default=list)
    access_token = EncryptedTextField(_("access token"), blank=True)
    refresh_token = EncryptedTextField(_("refresh token"), blank=True)
    sync_cursor = models.CharField(_("sync cursor"), max_length=120, blank=True)
    connected_at = models.DateTimeField(_("connected at"))
    synced_at = models.DateTimeField(_("synchronised at"), null=True, blank=True)

    class Meta:
        verbose_name = _("integration")
        verbose_name_plural = _("integrations")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "provider"],
                name="crm_integration_once",
                violation_error_message=_("This account has connected this service already."),
                condition=~Q(provider="other"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_provider_display()} {self.pk.hex[-8:]}"


class SyncedMessage(models.Model):
    """That a mail exists, for the timeline of a contact: the provider's ids, a direction and a time. Nothing else."""

    class Direction(models.TextChoices):
        SENT = "sent", _("sent")
        RECEIVED = "received", _("received")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="messages", verbose_name=_("integration")
    )
    contact = models.ForeignKey(
        "crm.Contact", on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("contact")
    )
    provider_id = models.CharField(_("message id"), max_length=120)
    thread_id = models.CharField(_("thread id"), max_length=120, blank=True)
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices)
    sent_at = models.DateTimeField(_("sent at"))

    class Meta:
        verbose_name = _("synchronised message")
        verbose_name_plural = _("synchronised messages")
        ordering: ClassVar = ["-sent_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["integration", "provider_id"], name="crm_syncedmessage_once"),
        ]

    def __str__(self) -> str:
        return f"synchronised message {self.pk.hex[-8:]}"
