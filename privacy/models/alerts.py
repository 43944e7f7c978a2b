"""Who was warned of what. Levels follow from the clock; a row only says that a colleague has been told."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from privacy.clock.levels import Level
from privacy.querysets import AlertQuerySet


class Alert(models.Model):
    """`due` is the day that the warning was about: when the dates change, the levels of the new day are free again."""

    Level = Level

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="alerts", verbose_name=_("request")
    )
    level = models.CharField(_("level"), max_length=16, choices=Level.choices)
    colleague = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("colleague")
    )
    due = models.DateField(_("due"))
    at = models.DateTimeField(_("at"))
    message = models.ForeignKey(
        "privacy.Message", on_delete=models.SET_NULL, null=True, related_name="alerts", verbose_name=_("message")
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("warning")
        verbose_name_plural = _("warnings")
        ordering: ClassVar = ["at", "id"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["request", "level", "colleague", "due"],
                name="privacy_alert_once",
                violation_error_message=_("This colleague has been warned of that already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.pk.hex[-8:]}"
