"""The register of backup sets: what copies exist, until when, and when each was seen to be gone (P8.4)."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class BackupSetQuerySet(models.QuerySet["BackupSet"]):
    def present(self) -> Self:
        """Not yet seen to be gone: deleting may have failed half-way."""
        return self.filter(verified_gone_at=None)

    def at_processors(self) -> Self:
        return self.filter(kind=BackupSet.Kind.PROCESSOR)

    def overdue(self, now: datetime) -> Self:
        return self.present().filter(expires_at__lt=now)


class BackupSet(models.Model):
    """A file or folder below the backup place (settings.BACKUP_URL, or BACKUP_DIR); `location` is relative to it. Of a
    processor's copy it says where that is. The row outlives the copy, as proof."""

    class Kind(models.TextChoices):
        DATABASE = "database", _("database dump")
        WAL = "wal", _("write-ahead log archive")
        FILES = "files", _("files")
        PROCESSOR = "processor", _("processor's copy")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    location = models.CharField(
        _("location"), max_length=400, help_text=_("Path below the backup folder; of a processor's copy, where it is.")
    )
    size = models.PositiveBigIntegerField(_("size"), default=0, help_text=_("Bytes."))
    made_at = models.DateTimeField(_("made at"))
    expires_at = models.DateTimeField(_("expires at"))
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)
    verified_gone_at = models.DateTimeField(_("seen to be gone at"), null=True, blank=True)

    objects = BackupSetQuerySet.as_manager()

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering: ClassVar = ["-made_at"]
        default_permissions = ("view",)
        permissions: ClassVar = [("confirm_backupset", _("Can confirm that a processor's copy is gone"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["location"],
                condition=Q(verified_gone_at=None),
                name="retention_backupset_location_once",
                violation_error_message=_("A backup at this place is registered already."),
            ),
            models.CheckConstraint(
                condition=~Q(location=""),
                name="retention_backupset_has_location",
                violation_error_message=_("A backup needs its place below the backup folder."),
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")),
                name="retention_backupset_expires_later",
                violation_error_message=_("A backup expires after it was made."),
            ),
            models.CheckConstraint(
                condition=Q(verified_gone_at=None) | Q(deleted_at__isnull=False),
                name="retention_backupset_deleted_before_gone",
                violation_error_message=_("Only a deleted backup can be seen to be gone."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
