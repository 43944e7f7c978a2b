"""Plans: what would end at an instant, signed, so that what was approved, and what was foreseen, can be shown later.

What could go wrong: a plan that is changed after somebody approved it. So its content is hashed and signed when it is
drawn, an approval names the hash, and a run looks at both before it goes on.
"""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class Plan(models.Model):
    """`at` is the instant planned for, `made_at` when it was drawn. `lines` holds one object a rule: its cut-off, rows,
    share of the table, tolerance, and reasons for which it would need an approval (see `retention.engine.plans`)."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("planned for"))
    made_at = models.DateTimeField(_("drawn at"))
    made_by = models.CharField(_("drawn by"), max_length=80)
    lines = models.JSONField(_("lines"))
    hash = models.CharField(
        _("hash"),
        max_length=64,
        help_text=_("A checksum of the whole plan (SHA-256). Who approves a run approves exactly this one."),
    )
    signature = models.CharField(
        _("signature"),
        max_length=128,
        help_text=_("Made with this installation's key (Ed25519): it shows that nobody changed the plan since."),
    )
    key = models.CharField(_("public key"), max_length=64)

    class Meta:
        verbose_name = _("retention plan")
        verbose_name_plural = _("retention plans")
        ordering: ClassVar = ["-made_at", "-id"]
        default_permissions = ("add", "view")
        indexes: ClassVar = [models.Index(fields=["-made_at", "-id"], name="retention_plan_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.hash[:12]}"

    @property
    def content(self) -> dict[str, Any]:
        """What is hashed and signed; dates as text, UTC."""
        from_text = self.at.isoformat(), self.made_at.isoformat()
        return {"at": from_text[0], "made_at": from_text[1], "made_by": self.made_by, "lines": self.lines}

    @property
    def rows(self) -> int:
        return sum(line["rows"] for line in self.lines)


class PlanOrder(models.Model):
    """Somebody wants a plan for an instant; a worker counts it, rule by rule. The order goes a day later."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("planned for"))
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.CharField(_("asked by"), max_length=80)
    rules = models.PositiveIntegerField(_("rules to count"), default=0)
    counted = models.PositiveIntegerField(_("rules counted"), default=0)
    trouble = models.CharField(_("trouble"), max_length=64, blank=True)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("plan"))

    class Meta:
        verbose_name = _("plan asked for")
        verbose_name_plural = _("plans asked for")
        ordering: ClassVar = ["-asked_at", "-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.pk.hex[-8:]}"

    @property
    def is_open(self) -> bool:
        return self.plan_id is None and not self.trouble
