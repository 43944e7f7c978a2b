"""What is known of a report that an account is a child's: which account, and who says so.

What could go wrong: the evidence of having deleted a child's data becomes a new store of it. So this row leads to the
account and holds its address only while the report is open (the search after the erasure needs it); both are emptied
with what the reporter wrote (privacy.services.emptying), and codes and dates stay.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7


class ChildReport(models.Model):
    class Parent(models.TextChoices):
        """Whether the reporter is the child's parent or guardian, as far as we know."""

        NONE = "none", _("does not say so")
        CLAIMED = "claimed", _("says so")
        ACCEPTED = "accepted", _("accepted by an officer")
        REJECTED = "rejected", _("not believed by an officer")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.OneToOneField(
        "privacy.Request", on_delete=models.CASCADE, related_name="child_report", verbose_name=_("request")
    )
    account = models.ForeignKey(
        "crm.Account", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    address = EncryptedTextField(_("address of the account"), null=True, blank=True)
    parent = models.CharField(_("parent or guardian"), max_length=8, choices=Parent.choices, default=Parent.NONE)
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("judged by"),
    )
    judged_at = models.DateTimeField(_("judged at"), null=True, blank=True)

    class Meta:
        verbose_name = _("report of a child's account")
        verbose_name_plural = _("reports of children's accounts")
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(parent__in=["accepted", "rejected"], judged_at__isnull=False)
                | (~Q(parent__in=["accepted", "rejected"]) & Q(judged_at=None)),
                name="privacy_childreport_judged_iff_dated",
                violation_error_message=_("Whether somebody is the parent is judged at a time."),
            ),
        ]

    def __str__(self) -> str:
        return f"child report {self.pk.hex[-8:]}"
