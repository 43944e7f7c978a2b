"""Proof that somebody reads the mailbox: a link, or a code to type, of which only digests are stored."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from privacy.querysets import VerificationQuerySet

MAX_ATTEMPTS = 5


class Verification(models.Model):
    class Purpose(models.TextChoices):
        CONFIRM = "confirm", _("confirm the request")
        STATUS = "status", _("open the request's page")
        RELEASE = "release", _("fetch the copy, for a representative")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="verifications", verbose_name=_("request")
    )
    purpose = models.CharField(_("purpose"), max_length=8, choices=Purpose.choices)
    token_digest = models.CharField(_("digest of the link"), max_length=64, unique=True)
    code_digest = models.CharField(_("digest of the code"), max_length=64)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("wrong codes"), default=0)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering: ClassVar = ["-created_at"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(attempts__lte=MAX_ATTEMPTS),
                name="privacy_verification_attempts",
                violation_error_message=_("A code may be tried five times."),
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="privacy_verification_expires_later",
                violation_error_message=_("A link expires after it was made."),
            ),
        ]

    def __str__(self) -> str:
        return f"verification {self.pk.hex[-8:]}"


class LinkAsk(models.Model):
    """Somebody typed a reference and an address to get a fresh link. A worker looks whether they belong together, and
    the row is gone; the page that took them has done the same work for any.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(_("reference"), max_length=12)
    digest = models.CharField(_("digest"), max_length=64, help_text=_("Keyed, of reference and address together."))
    asked_at = models.DateTimeField(_("asked at"))

    class Meta:
        verbose_name = _("link asked for")
        verbose_name_plural = _("links asked for")
        ordering: ClassVar = ["asked_at"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"asking {self.pk.hex[-8:]}"
