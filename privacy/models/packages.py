"""A copy of somebody's data, waiting to be fetched: an encrypted file outside the web root, and its key here."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7
from privacy.querysets import PackageQuerySet


class Package(models.Model):
    """Without its key the file is noise, so destroying the key ends every copy of it, backups included."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="packages", verbose_name=_("request")
    )
    file_name = models.CharField(_("file"), max_length=64, unique=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, help_text=_("Of the zip as the person gets it."))
    size = models.BigIntegerField(_("size"), help_text=_("Bytes of the zip."))
    rows = models.JSONField(_("rows"), default=dict, help_text=_("Rows by table."))
    key = EncryptedTextField(_("key"), null=True, editable=False)
    made_at = models.DateTimeField(_("made at"))
    expires_at = models.DateTimeField(_("expires at"))
    downloads = models.PositiveIntegerField(_("downloads"), default=0)
    fetched_at = models.DateTimeField(
        _("fetched at"),
        null=True,
        blank=True,
        help_text=_("When the first download that came to its end was begun."),
    )
    deleted_at = models.DateTimeField(_("destroyed at"), null=True, blank=True)

    objects = PackageQuerySet.as_manager()

    class Meta:
        verbose_name = _("copy")
        verbose_name_plural = _("copies")
        ordering: ClassVar = ["-made_at"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], name="privacy_package_live", condition=Q(deleted_at=None)),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(deleted_at=None, key__isnull=False) | Q(deleted_at__isnull=False, key__isnull=True),
                name="privacy_package_key_until_destroyed",
                violation_error_message=_("A copy has its key exactly until it is destroyed."),
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")),
                name="privacy_package_expires_later",
                violation_error_message=_("A copy expires after it was made."),
            ),
        ]

    def __str__(self) -> str:
        return f"package {self.pk.hex[-8:]}"
