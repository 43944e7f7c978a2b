"""Who looked at whose data, and when: one row a view, search, export or download of people's rows."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class AccessEntry(models.Model):
    """Names the member of staff, never the person looked at: that is a keyed hash, searchable by who holds the key."""

    class Action(models.TextChoices):
        VIEW = "view", _("viewed")
        LIST = "list", _("listed")
        SEARCH = "search", _("searched")
        EXPORT = "export", _("exported")
        DOWNLOAD = "download", _("downloaded")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("at"), db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_entries", verbose_name=_("staff user")
    )
    action = models.CharField(_("action"), max_length=10, choices=Action.choices)
    table = models.CharField(_("table"), max_length=80, help_text=_("Label of the model looked at."))
    subject_ref = models.CharField(_("subject reference"), max_length=80, blank=True, db_index=True)
    rows = models.PositiveIntegerField(_("rows"), default=1)

    class Meta:
        verbose_name = _("access log entry")
        verbose_name_plural = _("access log entries")
        ordering: ClassVar = ["-at"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.table}"
