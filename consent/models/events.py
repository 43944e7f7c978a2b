"""Choices: one row each time somebody decides, never one a page view. They only grow; a withdrawal is a new row.

What could go wrong: a retry stores a choice twice, a refusal is lost because only grants are stored, a row is edited
after the fact. So the browser makes the id (a UUIDv7) and the database keeps one row of it, every category is itemised
with true or false, and a trigger refuses UPDATE, DELETE and TRUNCATE outside of retention.

The table is partitioned by month of `filed_at`, which is derived from the id alone: a replay, however late, lands in
the same partition and meets the row it repeats. See `consent.filing`.
"""

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from crasme.kit.calendar import Period, add
from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7

# Source: the French and Irish authorities expect a choice, yes or no, to be kept for about six months.
KEPT = Period(months=6)


class State(models.TextChoices):
    SHOWN = "shown", _("shown")
    GIVEN = "given", _("given")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")
    EXPIRED = "expired", _("expired")


class ConsentEventQuerySet(models.QuerySet["ConsentEvent"]):
    def of_visitor(self, visitor: uuid.UUID) -> Self:
        """A visitor's choices, the one that counts first; of two in the same instant the later id."""
        return self.filter(visitor=visitor).order_by("-decided_at", "-id")


class Decision(models.Model):
    """The columns of one decision, shared by the partitioned table and the shelf for records on hold."""

    class Action(models.TextChoices):
        ACCEPT_ALL = "accept-all", _("accepted all")
        REFUSE_ALL = "refuse-all", _("refused all")
        SAVE = "save", _("chose by category")
        CLOSE = "close", _("closed, so refused")
        WITHDRAW = "withdraw", _("withdrew")

    class Surface(models.TextChoices):
        BANNER = "banner", _("banner")
        PREFERENCES = "preferences", _("cookie settings page")
        NO_JS = "no-js", _("banner without scripts")
        API = "api", _("API")
        REQUEST = "request", _("privacy request")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    filed_at = models.DateTimeField(_("filed at"), help_text=_("The instant inside the id."))
    visitor = models.UUIDField(_("visitor"), help_text=_("A random number that only the visitor's own cookie holds."))
    account = models.UUIDField(_("account"), null=True, blank=True)
    notice = models.CharField(_("notice"), max_length=64, help_text=_("SHA-256 of the notice that was shown."))
    choices = models.JSONField(_("choices"), help_text=_("Category → true or false; refusals are itemised too."))
    asked = models.JSONField(
        _("asked about"),
        null=True,
        blank=True,
        help_text=_("Categories that were on screen; empty: all. The others stayed as they had been chosen before."),
    )
    action = models.CharField(_("action"), max_length=10, choices=Action.choices)
    surface = models.CharField(_("made on"), max_length=11, choices=Surface.choices)
    gpc = models.BooleanField(_("Global Privacy Control seen"), default=False)
    language = models.CharField(_("language"), max_length=8)
    shown_at = models.DateTimeField(_("shown at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"))
    received_at = models.DateTimeField(_("received at"))
    digest = models.CharField(_("digest"), max_length=64, help_text=_("SHA-256 of the row's canonical JSON."))

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.short_id}"

    @property
    def short_id(self) -> str:
        return self.id.hex[-8:]

    def computed_digest(self) -> str:
        """What `digest` must be: SHA-256 in hex over canonical JSON of every other column, times in UTC."""
        content = {
            "id": str(self.id),
            "visitor": str(self.visitor),
            "account": str(self.account or ""),
            "notice": self.notice,
            "choices": self.choices,
            "action": self.action,
            "surface": self.surface,
            "gpc": self.gpc,
            "language": self.language,
            "decided_at": self.decided_at.isoformat(),
            "received_at": self.received_at.isoformat(),
        }
        # Columns that records had later on: what has none keeps the digest that it was made with.
        if self.asked is not None:
            content["asked"] = self.asked
        if self.shown_at is not None:
            content["shown_at"] = self.shown_at.isoformat()
        return digest(content)

    def asks(self, slug: str) -> bool:
        """Whether this decision answered the question about a category, rather than leaving it as it was."""
        return slug in self.choices and (self.asked is None or slug in self.asked)

    @property
    def state(self) -> str:
        """The record's state; whether it has expired depends on the day, see `state_at`."""
        if self.action == self.Action.WITHDRAW:
            return State.WITHDRAWN
        granted = any(yes for slug, yes in self.choices.items() if slug != "essential")
        return State.GIVEN if granted else State.REFUSED

    @cached_property
    def valid_until(self) -> datetime:
        return add(self.decided_at, KEPT)

    def state_at(self, now: datetime) -> str:
        return State.EXPIRED if now >= self.valid_until else self.state


class ConsentEvent(Decision):
    """Partitioned by month of `filed_at`; in the database the key is (id, filed_at)."""

    objects = ConsentEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")
        ordering: ClassVar = ["-filed_at"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["visitor", "-decided_at"], name="consent_event_visitor"),
            models.Index(fields=["account"], name="consent_event_account", condition=Q(account__isnull=False)),
            # Retention asks by it; rows arrive in its order, so a few blocks say it all.
            BrinIndex(fields=["received_at"], name="consent_event_received"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(choices__contains={"essential": True}),
                name="consent_event_essential_is_on",
                violation_error_message=_("Essential cookies are always on."),
            ),
            models.CheckConstraint(
                condition=Q(decided_at__lte=models.F("received_at")),
                name="consent_event_decided_first",
                violation_error_message=_("A choice cannot be received before it was made."),
            ),
        ]


class HeldConsentEvent(Decision):
    """Records on hold whose partition was dropped; they stay visible to holds, exports and proofs."""

    carried_at = models.DateTimeField(_("carried over at"))

    class Meta:
        verbose_name = _("consent record on hold")
        verbose_name_plural = _("consent records on hold")
        ordering: ClassVar = ["-filed_at"]
        default_permissions = ("view",)
        indexes: ClassVar = [models.Index(fields=["visitor", "-decided_at"], name="consent_held_visitor")]


class VisitorAccount(models.Model):
    """A browser and the account that somebody signed in to with it: choices made before are that account's, too.

    A browser may be joined to several accounts (shared computers) and an account to several browsers.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    visitor = models.UUIDField(_("visitor"))
    account = models.UUIDField(_("account"), db_index=True)
    joined_at = models.DateTimeField(_("joined at"))

    class Meta:
        verbose_name = _("browser of an account")
        verbose_name_plural = _("browsers of accounts")
        ordering: ClassVar = ["-joined_at"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["visitor", "account"], name="consent_visitoraccount_once"),
        ]

    def __str__(self) -> str:
        return self.id.hex[-8:]
