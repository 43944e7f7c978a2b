"""Connected services (P7.1). Of mail, only what synchronising needs: no subject, no text, no address.

What could go wrong: a disconnected service that goes on being synchronised, or that leaves its mail behind. Product
code reads `connected()` only; `crm.services.integrations` removes the rest, at the latest once nothing keeps it.
"""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.cards import CardFree, CardFreeQuerySet
from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7


class IntegrationQuerySet(CardFreeQuerySet):
    def connected(self) -> Self:
        """What may be synchronised: not disconnected, and the account neither closed nor restricted."""
        return self.filter(disconnected_at=None, account__status="active", account__restricted_at=None)

    def removable(self) -> Self:
        """Disconnected, and kept only by a legal hold or a restriction that has ended since."""
        return self.filter(disconnected_at__isnull=False, account__on_hold=False, account__restricted_at=None)


class Integration(CardFree):
    CARD_FREE_FIELDS = ("scopes", "sync_cursor")

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
    disconnected_at = models.DateTimeField(
        _("disconnected at"),
        null=True,
        blank=True,
        help_text=_("Set while something keeps what a disconnected service had synchronised; the tokens are gone."),
    )

    objects: ClassVar = IntegrationQuerySet.as_manager()

    class Meta:
        verbose_name = _("connected service")
        verbose_name_plural = _("connected services")
        permissions: ClassVar = [("disconnect_integration", _("Can disconnect integrations"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "provider"],
                name="crm_integration_once",
                violation_error_message=_("This account has connected this service already."),
                condition=~Q(provider="other") & Q(disconnected_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_provider_display()} {self.pk.hex[-8:]}"


class SyncedMessage(models.Model):
    """That a mail exists, for the timeline of a contact: the provider's ids, a direction and a time. Nothing else.

    Not CardFree: the provider's ids are nobody's text, one of digits only passes for a card number now and then, and a
    refusal would stop the synchronisation. The scan for card numbers leaves them out as well.
    """

    NEVER_CARDS = ("provider_id", "thread_id")

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
