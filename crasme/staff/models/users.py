"""The people who work here. They sign in by e-mail address; everybody else never gets an account in this system."""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from crasme.kit.text import normalise_email


class UserManager(BaseUserManager["User"]):
    """Makes users by address; passwords are hashed before they come near the database."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Raises ValueError without an address; a password of None makes a user who cannot sign in yet."""
        if not email:
            raise ValueError("A staff user needs an e-mail address.")
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True} | fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_email(username or ""))


class User(AbstractUser):
    username = None  # type: ignore[assignment]
    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    left_at = models.DateTimeField(
        _("left at"), null=True, blank=True, help_text=_("When the account was switched off; starts its last period.")
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("staff user")
        verbose_name_plural = _("staff users")
        # Colleagues leave by being switched off; the row ends by its rule, when no evidence needs it any more.
        default_permissions = ("add", "change", "view")
        permissions: ClassVar = [("reset_second_factor_user", "Can take a lost second factor away")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="staff_user_email_once",
                violation_error_message=_("A staff user with this e-mail address exists already."),
            ),
            models.CheckConstraint(
                condition=models.Q(is_active=True, left_at=None) | models.Q(is_active=False, left_at__isnull=False),
                name="staff_user_left_iff_inactive",
                violation_error_message=_("Whoever is switched off has left, and nobody else."),
            ),
        ]

    def __str__(self) -> str:
        # Colleagues must tell each other apart in assignment lists; the admin log stores this text, so no address.
        return self.get_short_name() or f"staff {self.pk.hex[-6:]}"

    @property
    def ref(self) -> str:
        """How services and the ledger name this user."""
        return f"staff:{self.pk}"

    @property
    def initials(self) -> str:
        return "".join(name[:1] for name in (self.first_name, self.last_name)).upper() or "?"

    def natural_key(self: Self) -> tuple[str]:
        return (self.email,)
