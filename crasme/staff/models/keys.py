"""Keys of machines: scoped, expiring, and stored as a digest, so that a stolen database opens no API."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class ApiKey(models.Model):
    class Scope(models.TextChoices):
        EVENTS_WRITE = "events:write", _("hand over usage events")
        DISPUTES_WRITE = "disputes:write", _("say which invoices are in dispute")
        REQUESTS_WRITE = "requests:write", _("enter privacy requests")
        REQUESTS_READ = "requests:read", _("follow privacy requests that this key entered")
        REQUESTS_READ_ALL = "requests:read-all", _("follow all privacy requests (beside requests:read)")
        POLICY_READ = "policy:read", _("ask whether an account must accept the policy")
        POLICY_WRITE = "policy:write", _("record that an account accepted the policy")
        CONSENT_WRITE = "consent:write", _("join browsers to accounts")
        SUPPRESSION_READ = "suppression:read", _("check suppression")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=80, help_text=_("The system that holds the key."))
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, help_text=_("How the key begins; not secret."))
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, verbose_name=_("created by"))
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_on = models.DateField(_("last used on"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering: ClassVar = ["name"]
        # A key is made and revoked, never edited or deleted: the ledger names it.
        default_permissions = ("view", "add")
        permissions: ClassVar = [("revoke_apikey", "Can revoke API keys")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="staff_apikey_expires_later",
                violation_error_message=_("A key must expire after it was made."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def ref(self) -> str:
        """How services and the ledger name the machine that holds the key."""
        return f"key:{self.pk}"

    def usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
