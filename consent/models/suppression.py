"""Who wants no mail: keyed hashes only, so that the list cannot be read, and an erased person stays unmailed.

What could go wrong: an address lands here in clear, or is compared in another spelling. `AddressHashField` makes both
impossible: whatever is assigned or looked up is normalised and hashed on its way to the database, which accepts
nothing but hashes.
"""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consent.models.addresses import AddressHashField, current_version
from consent.models.topics import Channel
from crasme.kit.ids import uuid7

ALL_MARKETING: Final = "marketing"


def parts_of(scope: str) -> Q:
    """Rows of a scope and of its parts: "marketing.news" is no part of "marketing.newsletter", nor the other way."""
    return Q(scope=scope) | Q(scope__startswith=f"{scope}.")


class Suppression(models.Model):
    """One address that gets no mail of a scope. Mail about the service itself has no scope here and always passes."""

    class Scope:
        """All marketing, and its parts that ship; every other topic's is "marketing." and its slug."""

        MARKETING: Final = ALL_MARKETING
        ANNOUNCEMENTS: Final = "marketing.announcements"
        FEATURES: Final = "marketing.features"

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        OBJECTED = "objected", _("asked support or by request")
        ERASED = "erased", _("asked for deletion")
        BOUNCED = "bounced", _("mail came back")
        COMPLAINED = "complained", _("reported as spam")
        IMPORTED = "imported", _("from a list")

    class Source(models.TextChoices):
        LINK = "unsubscribe-link", _("link in a mail")
        PREFERENCES = "preferences", _("preference page")
        REQUEST = "privacy-request", _("privacy request")
        STAFF = "staff", _("entered by staff")
        MAIL_SERVER = "mail-server", _("mail server")
        IMPORT = "import", _("import")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    address = AddressHashField(_("address (hash)"))
    key_version = models.PositiveSmallIntegerField(_("key version"), default=current_version)
    scope = models.CharField(_("scope"), max_length=48, default=ALL_MARKETING)
    channel = models.CharField(
        _("channel"), max_length=8, choices=Channel.choices, blank=True, help_text=_("Empty: every channel.")
    )
    reason = models.CharField(_("reason"), max_length=16, choices=Reason.choices)
    source = models.CharField(_("source"), max_length=20, choices=Source.choices)
    created_at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        ordering: ClassVar = ["-created_at"]
        default_permissions = ("add", "view")
        permissions: ClassVar = [
            ("import_suppression", _("Can import suppression lists")),
            ("export_suppression", _("Can export the suppression list")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["address", "scope", "channel", "key_version"],
                name="consent_suppression_once",
                violation_error_message=_("This address is on the list already."),
            ),
            models.CheckConstraint(
                condition=Q(scope=ALL_MARKETING) | Q(scope__startswith=f"{ALL_MARKETING}."),
                name="consent_suppression_marketing_only",
                violation_error_message=_("Only marketing can be refused."),
            ),
            models.CheckConstraint(
                condition=Q(address__regex=r"^[0-9a-f]{64}$"),
                name="consent_suppression_hash_only",
                violation_error_message=_("Only the hash of an address is stored."),
            ),
        ]

    def __str__(self) -> str:
        return f"opt-out {self.pk.hex[-8:]}"
