"""A request: what somebody asked for, where it stands and by when it must be answered.

What could go wrong: a state that nobody meant, a closed request without an answer, a refusal without a reason, a due
date that drifts from its clock. The moves come from `privacy.states`, protected here and enforced by a trigger; the
dates are copies that `privacy.services.clock` alone derives from the clock events.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from crasme.kit.cards import CardFree
from crasme.kit.crypto import subject_ref
from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7
from privacy import references
from privacy.clock.regimes import Regime
from privacy.errors import MoveNotAllowed
from privacy.moves import move
from privacy.querysets import RequestQuerySet
from privacy.states import Outcome, State


class Request(CardFree):
    class Kind(models.TextChoices):
        ACCESS = "access", _("Access")
        CORRECTION = "correction", _("Correction")
        DELETION = "deletion", _("Deletion")
        PORTABILITY = "portability", _("Portability")
        OPT_OUT = "opt_out", _("Opt-out")
        RESTRICTION = "restriction", _("Restriction")
        OBJECTION = "objection", _("Objection")
        WITHDRAWAL = "withdrawal", _("Withdrawal of consent")
        COMPLAINT = "complaint", _("Complaint")
        CHILD = "child", _("Child's account")

    class Channel(models.TextChoices):
        WEB = "web", _("Web form")
        EMAIL = "email", _("E-mail")
        SIGNED_IN = "signed_in", _("Signed in")
        API = "api", _("API")
        PHONE = "phone", _("Telephone")
        POST = "post", _("Post")

    class Refusal(models.TextChoices):
        UNFOUNDED = "unfounded", _("Manifestly unfounded")
        EXCESSIVE = "excessive", _("Excessive, in particular repetitive")
        IDENTITY = "identity", _("Identity not shown")
        NOT_COVERED = "not_covered", _("Not covered by this right")
        OTHERS = "others", _("It would harm the rights of others")

    CARD_FREE_FIELDS = ("full_name", "details", "about")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(_("reference"), max_length=12, unique=True, default=references.new, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    person = models.ForeignKey(
        "privacy.Person", on_delete=models.PROTECT, related_name="requests", verbose_name=_("person")
    )
    account = models.ForeignKey(
        "crm.Account",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("account"),
        help_text=_("What was found for this very request, by the address as it was proven."),
    )
    state = FSMField(_("state"), max_length=12, choices=State.choices, default=State.RECEIVED, protected=True)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.WEB)
    regime = models.CharField(_("law"), max_length=8, choices=Regime.choices, default=Regime.OTHER)
    language = models.CharField(_("language"), max_length=8, default=settings.LANGUAGE_CODE)
    # As typed, by whoever it was: it becomes the person's name when the mailbox is proven by this very request.
    full_name = EncryptedTextField(_("full name"), null=True, blank=True)
    details = EncryptedTextField(_("what the person wrote"), null=True, blank=True)
    about = EncryptedTextField(
        _("about whom"), null=True, blank=True, help_text=_("Whose account it is about, if not the person's own.")
    )
    facts = models.JSONField(
        _("particulars"), default=dict, blank=True, help_text=_("What was ticked on the form: codes, never words.")
    )
    round = models.PositiveSmallIntegerField(
        _("round"), default=1, help_text=_("Counts up when the data must be collected and looked at again.")
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("assignee"),
    )
    instead_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("instead of"),
        help_text=_("The colleague who is away and for whom the assignee stands in."),
    )
    lead = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="linked",
        verbose_name=_("asked together with"),
        help_text=_("The request that carries the proof and the correspondence of one message with several wishes."),
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("entered by"),
        help_text=_("The colleague who entered what came by telephone or post."),
    )
    duplicate_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="duplicates", verbose_name=_("same as")
    )

    received_at = models.DateTimeField(_("received at"))
    received_on = models.DateField(_("received on"), help_text=_("The calendar day where the controller is."))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    without_proof = models.BooleanField(
        _("without proof"), default=False, help_text=_("Begun although nobody has shown that they read the mailbox.")
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    # Copies, derived from the clock events by privacy.services.clock; never set by hand.
    promise_due = models.DateField(_("promised by"), editable=False)
    law_due = models.DateField(_("by law by"), editable=False)
    effective_due = models.DateField(_("due"), editable=False)
    rules_version = models.CharField(_("version of the rules"), max_length=10, editable=False)

    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices, blank=True)
    refusal_reason = models.CharField(_("reason of refusal"), max_length=12, choices=Refusal.choices, blank=True)

    objects: ClassVar[Any] = RequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering: ClassVar = ["-received_at", "-id"]
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("work_request", "Can take, assign, note and answer requests"),
            ("refuse_request", "Can refuse requests"),
            ("answer_complaint", "Can answer complaints"),
            ("release_access", "Can approve the release of a copy of somebody's data"),
            ("propose_erasure", "Can propose an erasure"),
            ("approve_erasure", "Can approve an erasure that somebody else proposed"),
            ("decide_child", "Can decide about the account of a child"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["effective_due", "id"], name="privacy_request_due", condition=~Q(state="closed")),
            models.Index(fields=["state", "effective_due"], name="privacy_request_state"),
            models.Index(fields=["-received_at", "-id"], name="privacy_request_newest"),
            models.Index(fields=["closed_at"], name="privacy_request_closed", condition=Q(state="closed")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at=None)),
                name="privacy_request_closed_iff_dated",
                violation_error_message=_("A request has a closing time exactly when it is closed."),
            ),
            models.CheckConstraint(
                condition=Q(state="received", confirmed_at=None)
                | Q(state="closed")
                | (~Q(state__in=["received", "closed"]) & Q(confirmed_at__isnull=False)),
                name="privacy_request_work_needs_proof",
                violation_error_message=_("Nothing is done for a request before the mailbox was proven."),
            ),
            models.CheckConstraint(
                condition=(Q(state__in=["answering", "closed"]) & ~Q(outcome=""))
                | (~Q(state__in=["answering", "closed"]) & Q(outcome="")),
                name="privacy_request_outcome_iff_decided",
                violation_error_message=_("A request has an outcome exactly when it is decided."),
            ),
            models.CheckConstraint(
                condition=(Q(outcome="refused") & ~Q(refusal_reason=""))
                | (~Q(outcome="refused") & Q(refusal_reason="")),
                name="privacy_request_refused_iff_reason",
                violation_error_message=_("Say why the request is refused (GDPR Art. 12(4)), and only then."),
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=["granted", "partly", "refused"]) | Q(confirmed_at__isnull=False),
                name="privacy_request_decided_needs_proof",
                violation_error_message=_("A request is only decided after the mailbox was proven."),
            ),
            models.CheckConstraint(
                condition=Q(without_proof=False)
                | (
                    Q(confirmed_at__isnull=False)
                    & (Q(kind__in=["opt_out", "child"]) | Q(kind="objection", facts__contains={"purpose": "marketing"}))
                ),
                name="privacy_request_unproven_is_harmless",
                violation_error_message=_(
                    "Only an opt-out from marketing, or a report of a child's account, needs no proof of the mailbox."
                ),
            ),
            models.CheckConstraint(
                condition=Q(effective_due__lte=F("promise_due")) & Q(effective_due__lte=F("law_due")),
                name="privacy_request_due_is_earliest",
                violation_error_message=_("A request is due by the promise and by the law, whichever comes first."),
            ),
            models.CheckConstraint(
                condition=(Q(closed_at=None) | Q(closed_at__gte=F("received_at")))
                & (Q(confirmed_at=None) | Q(confirmed_at__gte=F("received_at"))),
                name="privacy_request_in_order",
                violation_error_message=_("A request is received first, then confirmed, then closed."),
            ),
            models.CheckConstraint(
                condition=Q(duplicate_of=None) | ~Q(duplicate_of=F("id")),
                name="privacy_request_not_its_own_twin",
                violation_error_message=_("A request cannot be a duplicate of itself."),
            ),
            models.CheckConstraint(
                condition=Q(lead=None) | ~Q(lead=F("id")),
                name="privacy_request_not_its_own_lead",
                violation_error_message=_("A request cannot be asked together with itself."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.reference)

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        # The protected state may be set only while it is absent.
        if fields is None or "state" in (fields := list(fields)):
            self.__dict__.pop("state", None)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)

    @property
    def ref(self) -> str:
        """How the ledger names this request; the ledger must not lead back to a row by reading it."""
        return subject_ref("request", self.pk)

    @property
    def leading(self) -> "Request":
        """The request that carries the correspondence: itself, or the one it was asked together with."""
        return self.lead or self

    def together(self) -> "models.QuerySet[Request]":
        """The others of the same message, in the order in which they were asked."""
        lead = self.lead_id or self.pk
        return Request._base_manager.filter(Q(pk=lead) | Q(lead=lead)).exclude(pk=self.pk).order_by("pk")

    @property
    def is_open(self) -> bool:
        return bool(self.state != State.CLOSED)

    @property
    def is_unconfirmed(self) -> bool:
        return bool(self.state == State.RECEIVED)

    @property
    def discloses(self) -> bool:
        """Whether whoever asked may learn what was found and done. Who reports a child's account may not, or a report
        would be a way to ask about anybody's; an accepted parent may.
        """
        if self.kind != Request.Kind.CHILD:
            return True
        report = getattr(self, "child_report", None)
        return report is not None and report.parent == report.Parent.ACCEPTED

    @property
    def told_due(self) -> date:
        """The day the person is told: the promise, until it is known whose law applies; it may only come nearer."""
        return self.promise_due if self.regime == Regime.OTHER else self.effective_due

    def days_left(self, today: date) -> int:
        """Until the effective day, which still counts; negative when overdue."""
        return (self.effective_due - today).days

    # --- moves: the caller has locked the row, and saves it --------------------------------------------------------
    @move(state)
    def confirm(self, *, now: datetime, without_proof: bool = False) -> None:
        self.confirmed_at, self.without_proof = now, without_proof

    @move(state)
    def collect(self) -> None:
        """The workers begin."""

    @move(state)
    def present(self) -> None:
        """What was found is there to be looked at."""

    @move(state)
    def approve(self) -> None:
        """A person has decided that it shall be done."""

    @move(state)
    def execute(self) -> None:
        """It is being done."""

    @move(state)
    def proceed(self) -> None:
        """There is nothing to decide: it is done at once."""

    @move(state)
    def replan(self) -> None:
        self.round += 1

    @move(state)
    def answer(self, outcome: Outcome) -> None:
        self.outcome = outcome

    @move(state)
    def refuse(self, reason: str) -> None:
        self.outcome, self.refusal_reason = Outcome.REFUSED, reason

    @move(state)
    def close(self, *, now: datetime) -> None:
        self.closed_at = now

    @move(state)
    def withdraw(self, *, now: datetime) -> None:
        self.closed_at, self.outcome = now, Outcome.WITHDRAWN

    @move(state)
    def lapse(self, *, now: datetime) -> None:
        self.closed_at, self.outcome = now, Outcome.UNCONFIRMED

    @move(state)
    def join(self, first: "Request", *, now: datetime) -> None:
        self.closed_at, self.outcome, self.duplicate_of = now, Outcome.DUPLICATE, first

    @move(state)
    def reopen(self) -> None:
        if self.confirmed_at is None:
            raise MoveNotAllowed(_("Nobody ever confirmed this request."), remedy=_("Ask the person to ask anew."))
        self.closed_at, self.outcome, self.refusal_reason = None, "", ""
