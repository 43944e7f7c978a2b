"""Hand-offs of the CRM that were used: each opens one request, once."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class SpentHandOff(models.Model):
    """A used token, by the digest of its id. It is remembered for longer than any token lives, and then forgotten.

    `click` is a keyed digest of the browser that used it and of what that browser sent: the same click once more, a
    moment later, leads to the same `request`.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    spent_at = models.DateTimeField(_("used at"))
    click = models.CharField(_("digest of the click"), max_length=64, blank=True, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("request")
    )

    class Meta:
        verbose_name = _("used hand-off")
        verbose_name_plural = _("used hand-offs")
        ordering: ClassVar = ["-spent_at"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"hand-off {self.pk.hex[-8:]}"
