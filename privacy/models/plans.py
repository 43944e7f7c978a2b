"""What shall be done, written down with its hash before anybody approves it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class Plan(models.Model):
    class Kind(models.TextChoices):
        ACCESS = "access", _("release")
        ERASURE = "erasure", _("erasure")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="plans", verbose_name=_("request")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    content = models.JSONField(_("content"), help_text=_("Counts a table, what is kept and why; never values."))
    hash = models.CharField(_("hash"), max_length=64)
    made_at = models.DateTimeField(_("made at"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    requested_at = models.DateTimeField(_("proposed at"), null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    executed_at = models.DateTimeField(_("executed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("request plan")
        verbose_name_plural = _("request plans")
        ordering: ClassVar = ["request", "-round"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["request", "round"],
                name="privacy_plan_once_a_round",
                violation_error_message=_("This round has its plan already."),
            ),
            models.CheckConstraint(
                condition=~Q(kind="erasure") | Q(approved_by=None) | ~Q(requested_by=F("approved_by")),
                name="privacy_plan_four_eyes",
                violation_error_message=_("Somebody other than the one who proposed it must approve an erasure."),
            ),
            models.CheckConstraint(
                condition=~Q(kind="erasure") | Q(approved_by=None) | Q(requested_by__isnull=False),
                name="privacy_plan_proposed_first",
                violation_error_message=_("An erasure is proposed by one person and approved by another."),
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_at=None)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="privacy_plan_approval_dated",
                violation_error_message=_("An approval has a person and a time."),
            ),
            models.CheckConstraint(
                condition=Q(executed_at=None) | Q(approved_at__isnull=False),
                name="privacy_plan_approved_before_executed",
                violation_error_message=_("Nothing is executed that nobody approved."),
            ),
        ]

    def __str__(self) -> str:
        return f"plan {self.hash[:8]}"

    @property
    def found_something(self) -> bool:
        """Whether anything is held beyond what arose from the request itself."""
        tables = self.content.get("tables", {})
        return bool(
            any(line["rows"] for line in self.content.get("lines", []))
            or self.content.get("kept")
            or any(not label.startswith("privacy.") for label in tables)
        )
