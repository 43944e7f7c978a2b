"""Correspondence. An outgoing mail is a row first and is sent by a worker; what comes in is a row that is done.

What could go wrong: a second copy of the address and of secrets in each mail kept for ever. So a row names a template
and a request; the address is read at the moment of sending, links are made then and stored as digests only, and the
text kept as a record is encrypted, has no link in it, and is emptied when the person is forgotten.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.cards import CardFree, CardFreeQuerySet
from crasme.kit.claims import Claimable, WorkState
from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7
from privacy.querysets import MessageQuerySet


class SenderCheck(models.TextChoices):
    """What our mail server says of the sender of a mail that came in (privacy.mailroom.authenticity)."""

    PASSED = "passed", _("sender verified")
    NONE = "none", _("sender not verified")
    FAILED = "failed", _("sender probably forged")


class Message(Claimable):
    class Direction(models.TextChoices):
        OUT = "out", _("sent")
        IN = "in", _("received")

    class Addressee(models.TextChoices):
        PERSON = "person", _("the person")
        REPRESENTATIVE = "representative", _("a representative")
        RECIPIENT = "recipient", _("a recipient of data")
        CUSTOMER = "customer", _("a customer")
        COLLEAGUE = "colleague", _("a colleague")
        NEW_MAILBOX = "new_mailbox", _("a new mailbox")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="messages", verbose_name=_("request")
    )
    addressee = models.CharField(_("written to"), max_length=14, choices=Addressee.choices, default=Addressee.PERSON)
    recipient = models.ForeignKey(
        "privacy.Recipient",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recipient of data"),
    )
    colleague = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("colleague"),
    )
    correction = models.ForeignKey(
        "privacy.Correction",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("correction"),
        help_text=_("The proposed address that this mail proves."),
    )
    referral = models.ForeignKey(
        "privacy.Referral",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="messages",
        verbose_name=_("passed on as"),
    )
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices, default=Direction.OUT)
    template = models.CharField(_("template"), max_length=40, blank=True)
    period_key = models.CharField(
        _("occasion"), max_length=80, blank=True, help_text=_("One mail a template and occasion, however often asked.")
    )
    language = models.CharField(_("language"), max_length=8, default=settings.LANGUAGE_CODE)
    facts = models.JSONField(
        _("particulars"), default=dict, blank=True, help_text=_("What the letter is about: codes, never words.")
    )
    written = EncryptedTextField(_("what the agent wrote"), null=True, blank=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("written by"),
    )
    subject = EncryptedTextField(_("subject"), null=True, blank=True)
    body = EncryptedTextField(_("text"), null=True, blank=True)
    mail_id = models.CharField(_("Message-ID"), max_length=200, unique=True)
    # Anybody may write any Message-ID into a mail, ours too, so it is no key; it only ties our next mail to theirs.
    origin_id = models.CharField(_("the sender's Message-ID"), max_length=250, blank=True)
    sender_check = models.CharField(
        _("sender"), max_length=6, choices=SenderCheck.choices, blank=True, help_text=_("Of what came in by mail.")
    )
    read_at = models.DateTimeField(
        _("read at"), null=True, blank=True, help_text=_("When a colleague had read what came in.")
    )
    created_at = models.DateTimeField(_("created at"))
    bounced_at = models.DateTimeField(_("bounced at"), null=True, blank=True)

    objects: ClassVar[Any] = MessageQuerySet.as_manager()

    class Meta(Claimable.Meta):
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering: ClassVar = ["created_at", "id"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            *Claimable.Meta.indexes,
            models.Index(
                fields=["request"],
                name="privacy_message_undelivered",
                condition=Q(state="parked") | Q(bounced_at__isnull=False),
            ),
            models.Index(fields=["request"], name="privacy_message_unread", condition=Q(direction="in", read_at=None)),
        ]
        constraints: ClassVar = [
            *Claimable.Meta.constraints,
            models.UniqueConstraint(
                fields=["request", "template", "period_key"],
                condition=Q(direction="out"),
                name="privacy_message_once",
                violation_error_message=_("This mail exists already."),
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk.hex[-8:]}"

    @property
    def is_unread(self) -> bool:
        """Whether it came in and nobody has looked."""
        return self.direction == self.Direction.IN and self.read_at is None

    @property
    def is_undelivered(self) -> bool:
        """Whether nobody got it: given up, or sent and come back."""
        came_back = self.state == WorkState.DONE and self.bounced_at is not None
        return self.direction == self.Direction.OUT and (self.state == WorkState.PARKED or came_back)


class Note(CardFree):
    """What colleagues tell each other about a request. Never sent; shown to the person in an access package."""

    CARD_FREE_FIELDS = ("body",)

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="notes", verbose_name=_("request")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("author")
    )
    at = models.DateTimeField(_("at"))
    body = EncryptedTextField(_("note"), null=True)

    objects: ClassVar[Any] = CardFreeQuerySet.as_manager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering: ClassVar = ["at", "id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"note {self.pk.hex[-8:]}"
