"""Wishes that are passed on: what a customer wrote into the product is the customer's to decide about, not ours.

What could go wrong: a wish that is passed on and forgotten. So each customer has a row, with a day of its own and
reminders, and it stays open until the customer has said what they did, or a colleague has.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from privacy.querysets import ReferralQuerySet


class Referral(models.Model):
    class Outcome(models.TextChoices):
        WILL_DO = "will_do", _("will do it")
        DONE = "done", _("done")
        NOT_OURS = "not_ours", _("says that it is not theirs")
        UNANSWERED = "unanswered", _("never answered")
        TAKEN_BACK = "taken_back", _("taken back by the person")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="referrals", verbose_name=_("request")
    )
    organisation = models.ForeignKey(
        "crm.Organisation", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    contacts = models.PositiveIntegerField(_("entries"), help_text=_("How many contacts with this address they wrote."))
    found_at = models.DateTimeField(_("found at"))
    token_digest = models.CharField(_("digest of the link"), max_length=64, unique=True, null=True, editable=False)
    sent_at = models.DateTimeField(_("passed on at"), null=True, blank=True)
    due_on = models.DateField(_("due"), null=True, blank=True)
    unreachable = models.BooleanField(
        _("cannot be reached"), default=False, help_text=_("No owner or administrator whom we may write to.")
    )
    reminders = models.PositiveSmallIntegerField(_("reminders"), default=0)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("settled by"),
        help_text=_("The colleague who noted what the customer said by another way."),
    )

    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral to a customer")
        verbose_name_plural = _("referrals to customers")
        ordering: ClassVar = ["found_at", "id"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(
                fields=["due_on"], name="privacy_referral_open", condition=Q(sent_at__isnull=False, closed_at=None)
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["request", "organisation"],
                name="privacy_referral_once",
                violation_error_message=_("The wish is passed on to this customer already."),
            ),
            models.CheckConstraint(
                condition=Q(sent_at=None, due_on=None, token_digest=None)
                | Q(sent_at__isnull=False, due_on__isnull=False, token_digest__isnull=False, unreachable=False),
                name="privacy_referral_sent_with_clock",
                violation_error_message=_("What is passed on has a day and a link."),
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, outcome__in=["", "will_do"])
                | Q(closed_at__isnull=False, outcome__in=["done", "not_ours", "unanswered", "taken_back"]),
                name="privacy_referral_closed_iff_outcome",
                violation_error_message=_("A referral is closed when it is known how it came out."),
            ),
        ]

    def __str__(self) -> str:
        return f"referral {self.pk.hex[-8:]}"

    @property
    def is_open(self) -> bool:
        return self.sent_at is not None and self.closed_at is None
