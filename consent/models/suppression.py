"""Who wants no mail: keyed hashes only, so that the list cannot be read, and an erased person stays unmailed.

What could go wrong: an address lands here in clear, or is compared in another spelling. `AddressHashField` makes both
impossible: whatever is assigned or looked up is normalised and hashed on its way to the database, which accepts
nothing but hashes.
"""

import re
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit import crypto
from crasme.kit.ids import uuid7
from crasme.kit.text import normalise_email

# Raise it when SUBJECT_KEY is replaced: hashes of the former key can then be told apart, and are asked with it.
KEY_VERSION = 1
_HASH = re.compile(r"[0-9a-f]{64}")


def address_hash(email: str) -> str:
    """HMAC-SHA256 of the normalised address, 64 hexadecimal digits."""
    return crypto.keyed_hash("consent.suppression", normalise_email(email))


class AddressHashField(models.CharField):
    """The keyed hash of an e-mail address. Takes an address or a hash, in assignments and in lookups."""

    description = _("Keyed hash of an e-mail address")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 64} | kwargs)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is None or _HASH.fullmatch(value):
            return value
        return address_hash(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if "@" not in value and not _HASH.fullmatch(value):
            raise ValidationError(_("This is not an e-mail address."), code="address")


class Suppression(models.Model):
    """One address that gets no mail of a scope. Mail about the service itself has no scope here and always passes."""

    class Scope(models.TextChoices):
        MARKETING = "marketing", _("all marketing")
        ANNOUNCEMENTS = "marketing.announcements", _("product announcements")
        FEATURES = "marketing.features", _("feature updates")

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
    key_version = models.PositiveSmallIntegerField(_("key version"), default=KEY_VERSION)
    scope = models.CharField(_("scope"), max_length=32, choices=Scope.choices, default=Scope.MARKETING)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason.choices)
    source = models.CharField(_("source"), max_length=20, choices=Source.choices)
    created_at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppression list")
        ordering: ClassVar = ["-created_at"]
        default_permissions = ("add", "view")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["address", "scope", "key_version"],
                name="consent_suppression_once",
                violation_error_message=_("This address is on the list already."),
            ),
            models.CheckConstraint(
                condition=Q(address__regex=r"^[0-9a-f]{64}$"),
                name="consent_suppression_hash_only",
                violation_error_message=_("Only the hash of an address is stored."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.pk.hex[-8:]}"
