"""Published policies: what stood on the page, word for word, and the facts it was rendered from.

What could go wrong: a published text is edited afterwards, and nobody can say what people were told. The database
refuses UPDATE, DELETE and TRUNCATE on this table; what is not published yet is no row here, it is the live registers,
and a proposal that a second person has to approve. A text of next month is called the one that applies: a version takes
effect on its day, and not before the rules that were published with it are in force.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7
from retention.models import Rule

NUMBER = r"^[0-9]{4}\.(0[1-9]|1[0-2])(\.[1-9][0-9]?)?$"


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def begun(self, now: datetime) -> Self:
        """The versions that have taken effect by `now`, the one that applies first. One whose rules are not in force
        yet has not: the page, the schedule and the engine change together."""
        waiting = Rule.objects.filter(state=Rule.State.AHEAD, published_in=OuterRef("version"))
        begun = self.filter(~Exists(waiting), effective_on__lte=now.astimezone(UTC).date())
        return begun.order_by("-effective_on", "-published_at", "-id")

    def current(self, now: datetime) -> "PolicyVersion | None":
        """The version that applies; None before the first publication."""
        return self.begun(now).first()

    def current_number(self, now: datetime) -> str:
        return self.begun(now).values_list("version", flat=True).first() or ""

    def listed(self) -> models.QuerySet["PolicyVersion"]:
        """Newest first, without the texts, which are long."""
        return self.defer("snapshot").order_by("-published_at", "-id")


class PolicyVersion(models.Model):
    """`snapshot` is {"facts": {…}, "html": {language: text}}; `sha256` is taken over its canonical JSON."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    version = models.CharField(_("version"), max_length=12, unique=True, help_text=_("Year and month, as in 2026.02."))
    last_updated = models.DateField(_("last updated"))
    effective_on = models.DateField(_("effective on"))
    summary = models.TextField(_("summary of changes"), help_text=_("What changed, for readers of the policy."))
    material = models.BooleanField(_("material change"), help_text=_("Then everybody is told before it takes effect."))
    requires_acceptance = models.BooleanField(
        _("must be accepted"), default=False, help_text=_("Accounts are asked to accept it, or a later one.")
    )
    published_at = models.DateTimeField(_("published at"))
    proposed_by = models.CharField(_("proposed by"), max_length=80, blank=True)
    published_by = models.CharField(_("published by"), max_length=80)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    snapshot = models.JSONField(_("snapshot"))

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        ordering: ClassVar = ["-published_at"]
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("propose_policyversion", "Can propose a version of the privacy policy"),
            ("publish_policyversion", "Can publish the privacy policy"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(version__regex=NUMBER),
                name="privacy_policyversion_number",
                violation_error_message=_("Write the version as year and month, for example 2026.02 or 2026.02.1."),
            ),
            models.CheckConstraint(
                condition=Q(effective_on__gte=models.F("last_updated")),
                name="privacy_policyversion_not_before_update",
                violation_error_message=_("A text cannot take effect before it was last updated."),
            ),
            models.CheckConstraint(
                # The first version of an installation has no author: it is what ships.
                condition=Q(published_by__startswith="system:")
                | (~Q(proposed_by="") & ~Q(proposed_by=F("published_by"))),
                name="privacy_policyversion_four_eyes",
                violation_error_message=_("Somebody other than the one who proposed it must publish a policy."),
            ),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def intact(self) -> bool:
        """Whether the stored text is still the one that was published."""
        return digest_of(self.snapshot) == self.sha256

    def html(self, language: str) -> str:
        """The frozen text in a language, in English when it was not published in that one."""
        texts: dict[str, str] = self.snapshot["html"]
        return texts.get(language) or texts["en"]


class PolicyProposal(models.Model):
    """What somebody wants published, until somebody else approves it. `hash` covers the facts as the page will state
    them, these fields and everything that the chosen drafts of rules say: an approval is of exactly that."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        PUBLISHED = "published", _("published")
        WITHDRAWN = "withdrawn", _("withdrawn")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    version = models.CharField(_("version"), max_length=12)
    last_updated = models.DateField(_("last updated"))
    effective_on = models.DateField(_("effective on"))
    summary = models.TextField(_("summary of changes"))
    material = models.BooleanField(_("material change"))
    requires_acceptance = models.BooleanField(_("must be accepted"), default=False)
    rules = ArrayField(models.UUIDField(), verbose_name=_("drafts of rules"), default=list, blank=True)
    hash = models.CharField(_("hash"), max_length=64)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    proposed_by = models.CharField(_("proposed by"), max_length=80)
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.CharField(_("decided by"), max_length=80, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("policy proposal")
        verbose_name_plural = _("policy proposals")
        ordering: ClassVar = ["-proposed_at"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state="open"),
                name="privacy_policyproposal_one_open",
                violation_error_message=_("A proposal is open already: approve it or withdraw it first."),
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | ~Q(proposed_by=F("decided_by")),
                name="privacy_policyproposal_four_eyes",
                violation_error_message=_("Somebody other than the one who proposed it must publish a policy."),
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_by="", decided_at=None)
                | (~Q(state="open") & ~Q(decided_by="") & Q(decided_at__isnull=False)),
                name="privacy_policyproposal_decided_whole",
                violation_error_message=_("A decision has a name and a time."),
            ),
        ]

    def __str__(self) -> str:
        return self.version


def digest_of(snapshot: dict[str, Any]) -> str:
    """SHA-256 in hex over canonical JSON: sorted keys, no spaces, UTF-8."""
    return digest(snapshot)
