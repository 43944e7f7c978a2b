"""Telling other systems what became of a request: who is told, and each message that goes or went out.

What could go wrong: a message that reaches whoever asks for it (an endpoint that belongs to a key hears only of that
key's own requests), a secret that leaks with the database (encrypted, shown once, exchanged without a gap), a receiver
that is gone for good and is tried for ever (switched off after days of nothing but failures, and everybody sees it).
Payloads name a request by its reference; nothing in them was typed by anybody.
"""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.claims import Claimable
from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7
from privacy.querysets import WebhookDeliveryQuerySet, WebhookEndpointQuerySet


class WebhookEndpoint(models.Model):
    class Event(models.TextChoices):
        RECEIVED = "request.received", _("a request arrived")
        CONFIRMED = "request.confirmed", _("it was confirmed, and work began")
        DECIDED = "request.decided", _("it was decided")
        EXTENDED = "request.extended", _("the time to answer was extended")
        CLOSED = "request.closed", _("it was closed")

    class Off(models.TextChoices):
        BY_HAND = "by-hand", _("switched off by a colleague")
        FAILURES = "failures", _("nothing but failures for days")
        GONE = "gone", _("the receiver said that it is gone (410)")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=80, help_text=_("The system that listens there."))
    url = models.CharField(
        _("address"), max_length=500, help_text=_("It starts with https:// and must be reachable from the internet.")
    )
    events = models.JSONField(_("events"), default=list)
    key = models.ForeignKey(
        "staff.ApiKey",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("API key"),
        help_text=_("With a key it hears only of requests that were entered with that key, while the key is usable."),
    )
    secret = EncryptedTextField(_("secret"), editable=False)
    former_secret = EncryptedTextField(_("former secret"), null=True, blank=True, editable=False)
    former_until = models.DateTimeField(
        _("former secret until"), null=True, blank=True, help_text=_("Until then both secrets sign.")
    )
    active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"))
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    rest_until = models.DateTimeField(
        _("resting until"), null=True, blank=True, help_text=_("Not tried before: it could not be reached lately.")
    )
    off_at = models.DateTimeField(_("switched off at"), null=True, blank=True)
    off_why = models.CharField(_("switched off because"), max_length=10, choices=Off.choices, blank=True)

    objects: ClassVar[Any] = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering: ClassVar = ["name"]
        # Never deleted by hand: its deliveries show who was told what.
        default_permissions = ("view", "add", "change")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(active=True, off_at=None, off_why="")
                | (Q(active=False, off_at__isnull=False) & ~Q(off_why="")),
                name="privacy_webhookendpoint_off_says_why",
                violation_error_message=_("A webhook that is switched off says since when and why."),
            ),
            models.CheckConstraint(
                condition=Q(former_secret__isnull=True, former_until__isnull=True)
                | Q(former_secret__isnull=False, former_until__isnull=False),
                name="privacy_webhookendpoint_overlap_ends",
                violation_error_message=_("A former secret is kept until a given time, and no longer."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.name)

    def secrets_at(self, now: datetime) -> list[str]:
        """What signs now: the secret, and beside it the former one while receivers change over."""
        overlaps = self.former_secret is not None and self.former_until is not None and now < self.former_until
        return [str(self.secret), *([str(self.former_secret)] if overlaps else [])]

    def may_send(self, now: datetime) -> bool:
        return self.active and (self.key is None or self.key.usable(now))


class WebhookDelivery(Claimable):
    """One message to one receiver. Its id is the `webhook-id`: however often it is sent, it is the same message."""

    TEST = "webhook.test"

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("webhook")
    )
    request = models.ForeignKey(
        "privacy.Request",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="deliveries",
        verbose_name=_("request"),
    )
    event = models.CharField(_("event"), max_length=20)
    payload = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at"))
    status = models.PositiveSmallIntegerField(
        _("answer"), null=True, blank=True, help_text=_("The HTTP status of the last answer, if one came.")
    )

    objects: ClassVar[Any] = WebhookDeliveryQuerySet.as_manager()

    class Meta(Claimable.Meta):
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering: ClassVar = ["-created_at", "-id"]
        default_permissions = ("view",)
        permissions: ClassVar = [("redeliver_webhook", "Can send a webhook's message again")]

    def __str__(self) -> str:
        return f"{self.event} {self.pk.hex[-8:]}"
