"""Accounts of the people who use the CRM, and their credentials.

What could go wrong: a list that forgets the flags. `restricted_at`, `analytics_objected_at` and `on_hold` are honoured
by the querysets here, at the bottom, so that no caller can forget them. And an account that is erased while its events
are still coming in: `locked` is the one way to take an account for a change, and the intake waits for it (see
crm.intake).
"""

import re
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crasme.crm.fields import MailboxField
from crasme.crm.names import INDEX, NameWords, has_words
from crasme.crm.validators import validate_language, validate_time_zone
from crasme.kit.cards import CardFree, CardFreeQuerySet
from crasme.kit.ids import uuid7
from crasme.kit.text import normalise_email

STRONG_HASH = re.compile(r"^(argon2|scrypt|pbkdf2_sha256|bcrypt_sha256)\$.{20,}")


class AccountQuerySet(CardFreeQuerySet):
    def present(self) -> Self:
        """Neither erased nor expired: the rows that still say who somebody is."""
        return self.exclude(status=Account.Status.ERASED)

    def usable(self) -> Self:
        """What product code and mail may touch. A restricted record is stored and nothing else."""
        return self.filter(Account.USABLE)

    def analysable(self) -> Self:
        """What analysis may read: usable, and the person has not objected to it (GDPR Art. 21(1))."""
        return self.filter(Account.USABLE, analytics_objected_at=None)

    def restricted(self) -> Self:
        """Stored and nothing else."""
        return self.filter(restricted_at__isnull=False)

    def with_standing(self) -> Self:
        """Annotates `standing`: how usage events of the account are taken (see Account.Standing)."""
        return self.annotate(
            standing=Case(
                When(Account.USABLE, analytics_objected_at=None, then=Value(Account.Standing.USABLE)),
                When(Account.USABLE, then=Value(Account.Standing.OBJECTED)),
                When(status=Account.Status.ERASED, then=Value(Account.Standing.UNKNOWN)),
                When(restricted_at__isnull=False, then=Value(Account.Standing.RESTRICTED)),
                default=Value(Account.Standing.CLOSED),
            )
        )

    def closed_before(self, cutoff: datetime) -> Self:
        """Closed strictly before `cutoff` (aware, UTC) and not erased yet."""
        return self.filter(status=Account.Status.CLOSED, closed_at__lt=cutoff)

    def releasable(self) -> Self:
        """What an end of period may erase: neither on hold nor restricted (a restriction means: keep, unused)."""
        return self.filter(on_hold=False, restricted_at=None)

    def by_email(self, email: str) -> Self:
        """By address, however it is written; the field normalises both sides."""
        return self.filter(email=email).exclude(email="")

    def named(self, text: str) -> Self:
        """Those of whose name each word of `text` begins a word, in any order and without accents; by index."""
        words = has_words("full_name", text)
        return self.none() if words is None else self.filter(words)

    def begun(self, text: str) -> Self:
        """Those whose address, or a word of whose name, begins like this; both by index."""
        # Without the exclusion the partial index could not be used.
        begins = Q(email__startswith=normalise_email(text)) & ~Q(email="")
        words = None if "@" in text else has_words("full_name", text)
        return self.filter(begins if words is None else Q(words) | begins)

    def locked(self, pk: UUID) -> "Account":
        """One account, locked until the transaction ends, so that nothing arrives for it meanwhile. DoesNotExist."""
        account: Account = self.select_for_update().get(pk=pk)
        return account


class Account(CardFree):
    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        CLOSED = "closed", _("closed")
        ERASED = "erased", _("erased")

    class Standing(models.TextChoices):
        """How an account stands towards the intake. An erased one is unknown: nobody learns that it ever was."""

        USABLE = "usable"
        OBJECTED = "objected"
        RESTRICTED = "restricted"
        CLOSED = "closed"
        UNKNOWN = "unknown"

    USABLE = Q(status="active", restricted_at=None)

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        ADMIN = "admin", _("administrator")
        MEMBER = "member", _("member")
        GUEST = "guest", _("guest")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        "crm.Organisation", on_delete=models.PROTECT, related_name="accounts", verbose_name=_("organisation")
    )
    email = MailboxField(_("e-mail address"), max_length=254, blank=True)
    full_name = models.CharField(_("full name"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    business_address = models.TextField(_("business address"), blank=True)
    job_title = models.CharField(_("job title"), max_length=120, blank=True)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    language = models.CharField(_("language"), max_length=8, default="en", blank=True, validators=[validate_language])
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", blank=True, validators=[validate_time_zone]
    )

    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(_("created at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)
    restricted_at = models.DateTimeField(
        _("restricted since"), null=True, blank=True, help_text=_("While set, the record is stored and nothing else.")
    )
    restricted_by_request = models.BooleanField(
        _("restricted by request"),
        default=False,
        help_text=_("The person asked for it by a privacy request; it is lifted there, after they were told."),
    )
    analytics_objected_at = models.DateTimeField(
        _("objected to analysis at"),
        null=True,
        blank=True,
        help_text=_("While set, no usage is recorded of this account, and none is analysed."),
    )
    on_hold = models.BooleanField(
        _("on hold"), default=False, help_text=_("Set by a legal hold; nothing of this account may be deleted.")
    )

    objects: ClassVar = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering: ClassVar = ["-created_at"]
        permissions: ClassVar = [
            ("close_account", _("Can close and reactivate accounts")),
            ("restrict_account", _("Can restrict accounts")),
            ("import_account", _("Can import accounts")),
            ("export_account", _("Can export accounts")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["closed_at"], name="crm_account_closed", condition=Q(status="closed")),
            models.Index(fields=["erased_at"], name="crm_account_erased", condition=Q(status="erased")),
            models.Index(fields=["-created_at", "-id"], name="crm_account_newest"),
            GinIndex(NameWords("full_name"), name=INDEX),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["email"],
                name="crm_account_email_once",
                condition=~Q(email=""),
                opclasses=["varchar_pattern_ops"],  # serves equality and the admin's search by prefix
                violation_error_message=_("An account with this e-mail address exists already."),
            ),
            models.CheckConstraint(
                condition=Q(status="active", closed_at=None, erased_at=None)
                | Q(status="closed", closed_at__isnull=False, erased_at=None)
                | Q(status="erased", erased_at__isnull=False),
                name="crm_account_status_dates",
                violation_error_message=_("A closed account needs the time it was closed, an active one has none."),
            ),
            models.CheckConstraint(
                condition=~Q(status="erased")
                | Q(email="", full_name="", phone="", business_address="", job_title="", on_hold=False),
                name="crm_account_erased_is_empty",
                violation_error_message=_("An erased account holds no identifiers and no hold."),
            ),
            models.CheckConstraint(
                condition=Q(email=Lower("email")),
                name="crm_account_email_folded",
                violation_error_message=_("An e-mail address is stored in lower case."),
            ),
            models.CheckConstraint(
                condition=Q(status="erased") | ~Q(email=""),
                name="crm_account_has_email",
                violation_error_message=_("An account needs an e-mail address."),
            ),
            models.CheckConstraint(
                condition=Q(restricted_by_request=False) | Q(restricted_at__isnull=False),
                name="crm_account_request_restricts",
                violation_error_message=_("Only a restricted account is restricted by request."),
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gte=F("created_at")),
                name="crm_account_closed_after_created",
                violation_error_message=_("An account cannot be closed before it was created."),
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.pk.hex[-8:]}"


class Credential(models.Model):
    """How an account signs in to the CRM. Only a strong, salted hash is accepted, by the database as well."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, related_name="credential", verbose_name=_("account")
    )
    password_hash = models.CharField(_("password hash"), max_length=256)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("sign-in credential")
        verbose_name_plural = _("sign-in credentials")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(password_hash__regex=STRONG_HASH.pattern),
                name="crm_credential_strong_hash",
                violation_error_message=_("Only a strong password hash may be stored, never a password."),
            ),
        ]

    def __str__(self) -> str:
        return f"credential {self.pk.hex[-8:]}"

    def clean(self) -> None:
        if not STRONG_HASH.match(self.password_hash):
            raise ValidationError({"password_hash": _("Only a strong password hash may be stored, never a password.")})
