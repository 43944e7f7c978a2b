"""Published policies: what stood on the page, word for word, and the facts it was rendered from.

What could go wrong: a published text is edited afterwards, and nobody can say what people were told. The database
refuses UPDATE, DELETE and TRUNCATE on this table; what is not published yet is no row here, it is the live registers.
"""

from datetime import date
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7

NUMBER = r"^[0-9]{4}\.(0[1-9]|1[0-2])(\.[1-9][0-9]?)?$"


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def newest(self) -> "PolicyVersion | None":
        """The last one published; None before the first publication."""
        return self.order_by("-published_at", "-id").first()

    def newest_number(self) -> str:
        return self.order_by("-published_at", "-id").values_list("version", flat=True).first() or ""

    def listed(self) -> models.QuerySet["PolicyVersion"]:
        """Newest first, without the texts, which are long."""
        return self.defer("snapshot").order_by("-published_at", "-id")


class PolicyVersion(models.Model):
    """`snapshot` is {"facts": {…}, "html": {language: text}}; `sha256` is taken over its canonical JSON."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    version = models.CharField(_("version"), max_length=12, unique=True, help_text=_("Year and month, as in 2026.02."))
    last_updated = models.DateField(_("last updated"))
    effective_on = models.DateField(_("effective on"))
    summary = models.TextField(_("summary of changes"), help_text=_("What changed, for readers of the policy."))
    material = models.BooleanField(_("material change"), help_text=_("Then everybody is told before it takes effect."))
    published_at = models.DateTimeField(_("published at"))
    published_by = models.CharField(_("published by"), max_length=80)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    snapshot = models.JSONField(_("snapshot"))

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        ordering: ClassVar = ["-published_at"]
        default_permissions = ("view",)
        permissions: ClassVar = [("publish_policyversion", "Can publish the privacy policy")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(version__regex=NUMBER),
                name="privacy_policyversion_number",
                violation_error_message=_("Write the version as year and month, for example 2026.02 or 2026.02.1."),
            ),
            models.CheckConstraint(
                condition=Q(effective_on__gte=models.F("last_updated")),
                name="privacy_policyversion_not_before_update",
                violation_error_message=_("A text cannot take effect before it was last updated."),
            ),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def intact(self) -> bool:
        """Whether the stored text is still the one that was published."""
        return digest_of(self.snapshot) == self.sha256

    def html(self, language: str) -> str:
        """The frozen text in a language, in English when it was not published in that one."""
        texts: dict[str, str] = self.snapshot["html"]
        return texts.get(language) or texts["en"]

    def in_force(self, today: date) -> bool:
        return self.effective_on <= today


def digest_of(snapshot: dict[str, Any]) -> str:
    """SHA-256 in hex over canonical JSON: sorted keys, no spaces, UTF-8."""
    return digest(snapshot)
