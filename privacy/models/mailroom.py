"""Mail that comes in, and what was attached to it.

What could go wrong: a mail is taken from the mailbox and lost on the way, or counted twice; somebody's words, passport
or card number lie around for ever. So the raw mail is a row before anything is made of it, one row however often it is
delivered; what it says is sorted by a worker and may be sorted again; the raw mail goes as soon as it was understood,
what it said as soon as it stands elsewhere, and the row with its period.
"""

from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.claims import Claimable, WorkState
from crasme.kit.clock import controller_day
from crasme.kit.crypto import subject_ref
from crasme.kit.fields import EncryptedBytesField, EncryptedTextField
from crasme.kit.ids import uuid7
from privacy.clock.deadlines import deadlines
from privacy.clock.events import Event, Kind
from privacy.clock.regimes import Regime
from privacy.models.messages import SenderCheck
from privacy.models.requests import Request
from privacy.querysets import AttachmentQuerySet, InboundMailQuerySet


class InboundMail(Claimable):
    """One mail as it arrived. `state` is the worker's; `status` says where the mail is."""

    class Source(models.TextChoices):
        IMAP = "imap", _("mailbox")
        PIPE = "pipe", _("mail server")

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")  # stored, not looked at yet
        TRIAGE = "triage", _("To be sorted")  # a person decides
        FAILED = "failed", _("Failed")  # it broke whoever tried to read it; a person decides
        FILED = "filed", _("Filed")  # in a correspondence, or a request of its own
        IGNORED = "ignored", _("Set aside")  # nobody is meant to answer it

    class Reading(models.TextChoices):
        """What it was taken for."""

        REPLY = "reply", _("A reply")
        REQUEST = "request", _("A new request")
        BOUNCE = "bounce", _("A mail of ours came back")
        AUTO_REPLY = "auto_reply", _("Sent by a machine")
        LOOP = "loop", _("Our own mail")
        UNCLEAR = "unclear", _("Unclear")
        UNREADABLE = "unreadable", _("Unreadable")
        NO_REQUEST = "no_request", _("No privacy request")

    class Why(models.TextChoices):
        """Why a person has to look."""

        UNCLEAR = "unclear", _("It does not say clearly which right is used.")
        STRANGER = "stranger", _("It names a request, but comes from somebody else's address.")
        FORGED = "forged", _("Our mail server says that it does not come from the sender whom it names.")
        GUESS = "guess", _("It names no request; the sender has one.")
        ON_BEHALF = "on_behalf", _("It seems to speak for somebody else, or about a child.")
        BULK = "bulk", _("It looks like a circular, but speaks of privacy.")
        TOO_MANY = "too_many", _("Many mails came from this address in a short time.")
        FORGOTTEN = "forgotten", _("The person of the request has been forgotten.")
        NO_SENDER = "no_sender", _("It has no sender that could be answered.")
        UNREADABLE = "unreadable", _("There is nothing in it that could be read here.")
        ASKED = "asked", _("A colleague wants it looked at again.")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    # Over what stays the same by whatever way the mail comes: two deliveries are one row.
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    source = models.CharField(_("came by"), max_length=4, choices=Source.choices)
    size = models.PositiveBigIntegerField(_("size"), help_text=_("Bytes of the whole mail."))
    cut = models.BooleanField(_("cut off"), default=False, help_text=_("It was too large; only its beginning is here."))
    raw = EncryptedBytesField(_("the mail as it came"), null=True)
    received_at = models.DateTimeField(_("received at"), help_text=_("When it reached the mailbox: the clock runs."))
    stored_at = models.DateTimeField(_("stored at"))

    mail_id = models.CharField(_("Message-ID"), max_length=250, blank=True)
    sender_hash = models.CharField(_("hash of the sender"), max_length=64, blank=True, db_index=True)
    sender = EncryptedTextField(_("from"), null=True, blank=True)
    subject = EncryptedTextField(_("subject"), null=True, blank=True)
    body = EncryptedTextField(_("text"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    sender_check = models.CharField(_("sender"), max_length=6, choices=SenderCheck.choices, blank=True)

    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.RECEIVED)
    reading = models.CharField(_("taken for"), max_length=10, choices=Reading.choices, blank=True)
    why = models.CharField(_("why it is here"), max_length=10, choices=Why.choices, blank=True)
    suggested = models.ForeignKey(
        "privacy.Request",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("perhaps about"),
    )
    suggested_kinds = models.JSONField(_("perhaps asks for"), default=list, blank=True)
    person = models.ForeignKey(
        "privacy.Person",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="mails",
        verbose_name=_("person"),
        help_text=_("Who asked something here before, from this address."),
    )
    request = models.ForeignKey(
        "privacy.Request",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="mails",
        verbose_name=_("request"),
    )
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("settled by"),
    )

    objects: ClassVar[Any] = InboundMailQuerySet.as_manager()

    class Meta(Claimable.Meta):
        verbose_name = _("inbound mail")
        verbose_name_plural = _("inbound mail")
        ordering: ClassVar = ["received_at", "id"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            *Claimable.Meta.indexes,
            models.Index(
                fields=["received_at"],
                name="privacy_inboundmail_waiting",
                condition=~Q(status__in=("filed", "ignored")),
            ),
            models.Index(fields=["settled_at"], name="privacy_inboundmail_settled"),
            models.Index(
                fields=["person"],
                name="privacy_inboundmail_aside",
                condition=Q(status="ignored", person__isnull=False, sender__isnull=False),
            ),
        ]
        constraints: ClassVar = [
            *Claimable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status__in=("filed", "ignored"), settled_at__isnull=False)
                | (~Q(status__in=("filed", "ignored")) & Q(settled_at=None)),
                name="privacy_inboundmail_settled_iff_dated",
                violation_error_message=_("A mail is settled exactly when it is filed or set aside."),
            ),
            models.CheckConstraint(
                condition=Q(state=WorkState.DONE, status__in=("triage", "filed", "ignored"))
                | (~Q(state=WorkState.DONE) & Q(status__in=("received", "failed"))),
                name="privacy_inboundmail_sorted_iff_done",
                violation_error_message=_("A mail is somewhere exactly when a worker has sorted it."),
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("filed", "ignored")) | Q(raw__isnull=True),
                name="privacy_inboundmail_raw_until_settled",
                violation_error_message=_("Once a mail is settled, the mail as it came is gone."),
            ),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk.hex[-8:]}"

    @property
    def ref(self) -> str:
        """How the ledger names it."""
        return subject_ref("mail", self.pk)

    @property
    def is_waiting(self) -> bool:
        """Whether a person has to decide about it."""
        return self.status in (self.Status.TRIAGE, self.Status.FAILED)

    @property
    def is_emptied(self) -> bool:
        """Whether there is nothing left of it to look at."""
        return self.sender is None and self.subject is None and self.body is None

    @property
    def received_on(self) -> date:
        """The calendar day where the controller is."""
        return controller_day(self.received_at)

    @property
    def due(self) -> date:
        """The last day to answer, should it turn out to be a request: the clock runs from its arrival."""
        child = Request.Kind.CHILD
        kind = child.value if child in self.suggested_kinds else ""
        return deadlines([Event(Kind.RECEIVED, self.received_on)], Regime.OTHER, kind=kind).effective_due

    def days_left(self, today: date) -> int:
        return (self.due - today).days


class Attachment(models.Model):
    """A file that came with a mail or through a request's page. It belongs to the mail until that is filed, then to
    the message. Its name is ours; the sender's is text like any other.
    """

    class Refused(models.TextChoices):
        TYPE = "type", _("not a kind of file that is taken")
        SIZE = "size", _("too large")
        CARD = "card", _("it holds a payment card number")
        MANY = "many", _("too many files")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    mail = models.ForeignKey(
        InboundMail,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("mail"),
    )
    message = models.ForeignKey(
        "privacy.Message",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("message"),
    )
    file_name = models.CharField(_("file"), max_length=40)
    their_name = EncryptedTextField(_("the sender's name for it"), null=True, blank=True)
    media_type = models.CharField(_("type"), max_length=40, blank=True)
    size = models.PositiveBigIntegerField(_("size"), help_text=_("Bytes."))
    content = EncryptedBytesField(_("content"), null=True)
    refused = models.CharField(_("not taken"), max_length=4, choices=Refused.choices, blank=True)
    identity = models.BooleanField(
        _("identity document"), default=False, help_text=_("Destroyed as soon as the request is decided.")
    )
    stored_at = models.DateTimeField(_("stored at"))
    destroyed_at = models.DateTimeField(_("destroyed at"), null=True, blank=True)

    objects: ClassVar[Any] = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering: ClassVar = ["stored_at", "id"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(
                fields=["message"], name="privacy_attachment_identity", condition=Q(identity=True, destroyed_at=None)
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(mail=None, message__isnull=False) | Q(mail__isnull=False, message=None),
                name="privacy_attachment_one_owner",
                violation_error_message=_("An attachment belongs to a mail or to a message, never to both."),
            ),
            models.CheckConstraint(
                condition=Q(refused="", destroyed_at=None, content__isnull=False)
                | (~(Q(refused="") & Q(destroyed_at=None)) & Q(content__isnull=True)),
                name="privacy_attachment_content_iff_taken",
                violation_error_message=_("An attachment has its content unless it was refused or destroyed."),
            ),
        ]

    def __str__(self) -> str:
        return f"attachment {self.pk.hex[-8:]}"
