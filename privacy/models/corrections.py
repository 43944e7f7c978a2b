"""One value that somebody wants put right, from the proposal to the value written.

What could go wrong: the old value lives on in the record of its correction (only its keyed hash is kept), the new one
stands here a second time for ever (it is emptied once it is written, or the request is closed), a decision without a
date, a rejection without a reason, two proposals for one value.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.cards import CardFree
from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7
from privacy.querysets import CorrectionQuerySet


class Correction(CardFree):
    """`label`, `row` and `field` say where the value stands, for example "crm.account", an id and "phone"."""

    class Decision(models.TextChoices):
        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")

    class Reason(models.TextChoices):
        ACCURATE = "accurate", _("What is held is right")
        UNCLEAR = "unclear", _("It cannot be found out which is right")
        OPINION = "opinion", _("It is an assessment, not a fact")
        UNPROVEN = "unproven", _("The new mailbox was not proven")
        UNFIT = "unfit", _("The value cannot be used")
        OTHERS = "others", _("Somebody else decides about it")
        GONE = "gone", _("It is no longer held")

    CARD_FREE_FIELDS = ("proposed", "settled", "words")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="corrections", verbose_name=_("request")
    )
    label = models.CharField(_("table"), max_length=64)
    row = models.CharField(_("row"), max_length=64)
    field = models.CharField(_("field"), max_length=64)
    proposed = EncryptedTextField(_("proposed value"), null=True, blank=True)
    settled = EncryptedTextField(
        _("value to write"), null=True, blank=True, help_text=_("Chosen by a colleague where the person used words.")
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("entered by"),
        help_text=_("The colleague who entered it on the person's behalf."),
    )
    # A new e-mail address is accepted only when somebody has shown that they read it.
    proof_digest = models.CharField(_("digest of the link"), max_length=64, null=True, blank=True, unique=True)
    proof_until = models.DateTimeField(_("link good until"), null=True, blank=True)
    proven_at = models.DateTimeField(_("mailbox proven at"), null=True, blank=True)

    decision = models.CharField(_("decision"), max_length=8, choices=Decision.choices, default=Decision.OPEN)
    round = models.PositiveSmallIntegerField(_("decided in round"), null=True, blank=True)
    reason = models.CharField(_("reason of rejection"), max_length=10, choices=Reason.choices, blank=True)
    words = EncryptedTextField(_("in the colleague's words"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    old_digest = models.CharField(_("hash of the old value"), max_length=64, blank=True, editable=False)
    new_digest = models.CharField(_("hash of the new value"), max_length=64, blank=True, editable=False)
    applied_at = models.DateTimeField(_("written at"), null=True, blank=True)

    objects: ClassVar[Any] = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering: ClassVar = ["proposed_at", "id"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["request", "label", "row", "field"],
                condition=Q(proposed__isnull=False),
                name="privacy_correction_once",
                violation_error_message=_("There is a proposal for this value already."),
            ),
            models.CheckConstraint(
                condition=Q(decision="open", decided_at=None, round=None)
                | (~Q(decision="open") & Q(decided_at__isnull=False, round__isnull=False)),
                name="privacy_correction_decided_iff_dated",
                violation_error_message=_("A correction has a date of decision exactly when it is decided."),
            ),
            models.CheckConstraint(
                condition=(Q(decision="rejected") & ~Q(reason="")) | (~Q(decision="rejected") & Q(reason="")),
                name="privacy_correction_rejected_iff_reason",
                violation_error_message=_("Say why the correction is rejected, and only then."),
            ),
            models.CheckConstraint(
                condition=Q(applied_at=None) | Q(decision="accepted", proposed__isnull=True, settled__isnull=True),
                name="privacy_correction_written_then_emptied",
                violation_error_message=_("Only what was accepted is written, and then it stands nowhere else."),
            ),
            models.CheckConstraint(
                condition=Q(proof_digest=None) | Q(proof_until__isnull=False),
                name="privacy_correction_proof_ends",
                violation_error_message=_("A link to a new mailbox runs out."),
            ),
        ]

    def __str__(self) -> str:
        return f"correction {self.pk.hex[-8:]}"

    @property
    def is_open(self) -> bool:
        return self.decision == self.Decision.OPEN

    @property
    def is_accepted(self) -> bool:
        return self.decision == self.Decision.ACCEPTED
