"""Restrictions of processing that people asked for: since when, and how they end.

What could go wrong: a restriction ends before the person knows (GDPR Art. 18(3)). So it ends by a letter: `letter` is
the mail that says so, and `lifted_at` is set only once that has gone out (privacy.services.restriction).
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    def in_force(self) -> "RestrictionQuerySet":
        return self.filter(lifted_at=None)

    def ending(self) -> "RestrictionQuerySet":
        """In force, but the person is being told that it ends."""
        return self.in_force().filter(letter__isnull=False)


class Restriction(models.Model):
    """Of one account, by one request. Granted again after its end, it begins anew; the ledger has the rest."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.OneToOneField(
        "privacy.Request", on_delete=models.CASCADE, related_name="restriction", verbose_name=_("request")
    )
    account = models.ForeignKey(
        "crm.Account", on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("account")
    )
    since = models.DateTimeField(_("since"))
    letter = models.ForeignKey(
        "privacy.Message",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("letter"),
        help_text=_("The mail that tells the person of its end; it ends when that has gone out."),
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    objects = RestrictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("restriction")
        verbose_name_plural = _("restrictions")
        ordering: ClassVar = ["-since"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["account"], name="privacy_restriction_in_force", condition=Q(lifted_at=None)),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(lifted_at=None) | Q(lifted_at__gte=F("since")),
                name="privacy_restriction_in_order",
                violation_error_message=_("A restriction begins before it ends."),
            ),
        ]

    def __str__(self) -> str:
        return f"restriction {self.pk.hex[-8:]}"
