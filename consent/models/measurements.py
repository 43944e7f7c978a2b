"""What a browser measured of a notice before it was published, and what it looked like then.

What could go wrong: a notice is measured, the style sheet changes, and the old figures still open the gate. So a
measurement names a look: the digest of everything that has a say in what is drawn. Or nobody learns that the worker has
no browser: a try that came to nothing is a row as well, with its reason, and opens no gate.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class NoticeMeasurement(models.Model):
    """One language of one look. `figures` maps a view such as "390-dark" to what was measured in it."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    look = models.CharField(_("look"), max_length=64, db_index=True, help_text=_("SHA-256 of all that is drawn."))
    language = models.CharField(_("language"), max_length=8)
    passed = models.BooleanField(_("fair"))
    findings = models.JSONField(_("findings"), default=list)
    figures = models.JSONField(_("figures"), default=dict)
    pictures = models.JSONField(_("pictures"), default=dict, help_text=_("View → PNG in base64."))
    measured_at = models.DateTimeField(_("measured at"))
    failure = models.CharField(
        _("could not be measured"),
        max_length=500,
        blank=True,
        default="",
        help_text=_("Why nothing could be measured, and what to do about it."),
    )

    class Meta:
        verbose_name = _("fairness measurement")
        verbose_name_plural = _("fairness measurements")
        ordering: ClassVar = ["-measured_at", "language"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.look[:12]} {self.language}"
