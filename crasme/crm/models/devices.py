"""Devices an account used (P1.3)."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.cards import CardFree
from crasme.kit.ids import uuid7


class Device(CardFree):
    class Kind(models.TextChoices):
        DESKTOP = "desktop", _("desktop")
        PHONE = "phone", _("phone")
        TABLET = "tablet", _("tablet")
        OTHER = "other", _("other")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        "crm.Account", on_delete=models.CASCADE, related_name="devices", verbose_name=_("account")
    )
    kind = models.CharField(_("device type"), max_length=10, choices=Kind.choices)
    operating_system = models.CharField(_("operating system"), max_length=80, blank=True)
    browser = models.CharField(_("browser"), max_length=80, blank=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    approximate_location = models.CharField(
        _("approximate location"), max_length=120, blank=True, help_text=_("City or region, never coordinates.")
    )
    screen_resolution = models.CharField(_("screen resolution"), max_length=20, blank=True)
    display_settings = models.JSONField(_("display settings"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering: ClassVar = ["-last_seen_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(last_seen_at__gte=models.F("first_seen_at")),
                name="crm_device_seen_in_order",
                violation_error_message=_("A device cannot be last seen before it was first seen."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk.hex[-8:]}"
