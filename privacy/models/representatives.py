"""People who ask for somebody else, and the paper that says they may.

What could go wrong: somebody gets another's data by claiming to speak for them. So the answer goes to a representative
only when the person said exactly that from the mailbox on file, and a colleague has accepted the mandate; the database
knows the first half of it. And the paper, which is often an identity document, outlives its purpose: its content goes
when the request is decided.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.cards import CardFree
from crasme.kit.fields import EncryptedBytesField, EncryptedTextField
from crasme.kit.ids import uuid7


class Representative(CardFree):
    """Of one message; it belongs to the request that leads."""

    class Mandate(models.TextChoices):
        POWER = "power", _("Power of attorney")
        PARENT = "parent", _("Parent or guardian")
        LAWYER = "lawyer", _("Lawyer")
        AGENCY = "agency", _("Agency that uses people's data rights for them")
        OTHER = "other", _("Something else")

    class State(models.TextChoices):
        CLAIMED = "claimed", _("claimed")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")

    class ReleaseTo(models.TextChoices):
        PERSON = "person", _("the person")
        REPRESENTATIVE = "rep", _("the representative")

    CARD_FREE_FIELDS = ("full_name", "reason")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.OneToOneField(
        "privacy.Request", on_delete=models.CASCADE, related_name="representative", verbose_name=_("request")
    )
    full_name = EncryptedTextField(_("full name"), null=True, blank=True)
    email = EncryptedTextField(_("e-mail address"), null=True, blank=True)
    mandate = models.CharField(_("mandate"), max_length=8, choices=Mandate.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.CLAIMED)
    # Nobody on staff decided when the person said that it is none of theirs.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = EncryptedTextField(_("reason"), null=True, blank=True)
    release_to = models.CharField(
        _("the answer goes to"), max_length=6, choices=ReleaseTo.choices, default=ReleaseTo.PERSON
    )
    person_confirmed_at = models.DateTimeField(
        _("confirmed by the person at"),
        null=True,
        blank=True,
        help_text=_("When the person said, from the address on file, that the answer shall go to the representative."),
    )

    class Meta:
        verbose_name = _("representative")
        verbose_name_plural = _("representatives")
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="claimed", decided_at=None) | (~Q(state="claimed") & Q(decided_at__isnull=False)),
                name="privacy_representative_decided_iff_dated",
                violation_error_message=_("A mandate is accepted or rejected at a time."),
            ),
            models.CheckConstraint(
                condition=Q(release_to="person", person_confirmed_at=None)
                | Q(release_to="rep", person_confirmed_at__isnull=False),
                name="privacy_representative_release_needs_person",
                violation_error_message=_("Only the person can say that the answer goes to somebody else."),
            ),
        ]

    def __str__(self) -> str:
        return f"representative {self.pk.hex[-8:]}"

    @property
    def may_receive(self) -> bool:
        """Whether the answer may go to them: the person said so, and a colleague has accepted the mandate."""
        return (
            self.state == self.State.ACCEPTED
            and self.release_to == self.ReleaseTo.REPRESENTATIVE
            and self.person_confirmed_at is not None
        )


class MandateDocument(models.Model):
    """The paper itself, apart from its row, so that nobody loads it by the way."""

    class Media(models.TextChoices):
        PDF = "application/pdf", _("PDF")
        PNG = "image/png", _("PNG")
        JPEG = "image/jpeg", _("JPEG")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    representative = models.OneToOneField(
        Representative, on_delete=models.CASCADE, related_name="document", verbose_name=_("representative")
    )
    media = models.CharField(_("type"), max_length=16, choices=Media.choices)
    size = models.PositiveIntegerField(_("size"), help_text=_("Bytes."))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    content = EncryptedBytesField(_("content"), null=True)
    stored_at = models.DateTimeField(_("stored at"))
    destroyed_at = models.DateTimeField(_("destroyed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("mandate document")
        verbose_name_plural = _("mandate documents")
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(destroyed_at=None, content__isnull=False)
                | Q(destroyed_at__isnull=False, content__isnull=True),
                name="privacy_mandatedocument_until_destroyed",
                violation_error_message=_("A document has its content exactly until it is destroyed."),
            ),
        ]

    def __str__(self) -> str:
        return f"mandate {self.pk.hex[-8:]}"
