"""Who was told of a correction, an erasure or a restriction (GDPR Art. 19), and whether they answered.

What could go wrong: a recipient that is told twice, or never and nobody sees it. So there is one row a recipient and
round, also for one that cannot be told, with the reason; what is not acknowledged in time is overdue and stays so.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from privacy.querysets import RecipientNoticeQuerySet


class RecipientNotice(models.Model):
    class Act(models.TextChoices):
        RECTIFY = "rectify", _("put it right")
        ERASE = "erase", _("erase it")
        RESTRICT = "restrict", _("restrict its use")
        LIFT = "lift", _("use it again")

    class WhyNot(models.TextChoices):
        NO_ADDRESS = "no_address", _("No address on record")
        IMPOSSIBLE = "impossible", _("It cannot be reached")
        EFFORT = "effort", _("It would take disproportionate effort")
        OVER = "over", _("It has ended meanwhile")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="notices", verbose_name=_("request")
    )
    recipient = models.ForeignKey(
        "privacy.Recipient", on_delete=models.PROTECT, related_name="notices", verbose_name=_("recipient")
    )
    act = models.CharField(_("what to do"), max_length=8, choices=Act.choices)
    round = models.PositiveSmallIntegerField(_("round"))
    message = models.ForeignKey(
        "privacy.Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("mail")
    )
    token_digest = models.CharField(_("digest of the link"), max_length=64, unique=True)
    why_not = models.CharField(_("why no answer is awaited"), max_length=10, choices=WhyNot.choices, blank=True)
    created_at = models.DateTimeField(_("created at"))
    due_on = models.DateField(_("to be acknowledged by"))
    reminders = models.PositiveSmallIntegerField(_("reminders"), default=0)
    reminded_at = models.DateTimeField(_("last reminded at"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    acknowledged_by = models.CharField(
        _("acknowledged by"), max_length=80, blank=True, help_text=_("The link in the mail, or a colleague.")
    )

    objects: ClassVar[Any] = RecipientNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipient told")
        verbose_name_plural = _("recipients told")
        ordering: ClassVar = ["-created_at", "-id"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(
                fields=["due_on"], name="privacy_notice_waiting", condition=Q(acknowledged_at=None, why_not="")
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["request", "recipient", "round", "act"],
                name="privacy_notice_once",
                violation_error_message=_("This recipient has been told already."),
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by="")
                | (Q(acknowledged_at__isnull=False) & ~Q(acknowledged_by="")),
                name="privacy_notice_acknowledged_iff_by",
                violation_error_message=_("Say who acknowledged it, and only then."),
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk.hex[-8:]}"
