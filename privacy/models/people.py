"""People who ask. They have no sign-in here: they are whoever can read the mailbox."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from crasme.kit.text import mask_email
from privacy.querysets import PersonQuerySet, email_hash

# In the place of a hash for somebody who gave no address: unlike any hash, and of no use to find anybody by.
NOBODY = "nobody:"


class Person(models.Model):
    """One mailbox, one row. After an erasure the address goes and the hash stays, for as long as the requests do:
    who asks again whether they were erased can be answered, and nobody else can tell who it was.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254, blank=True)
    email_hash = models.CharField(_("hash of the address"), max_length=64, unique=True, editable=False)
    full_name = models.CharField(_("full name"), max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True, default=settings.LANGUAGE_CODE)
    account = models.ForeignKey(
        "crm.Account",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("account"),
        help_text=_("The account with this address on file, once the mailbox was proven."),
    )
    created_at = models.DateTimeField(_("created at"))
    forget_from = models.DateTimeField(
        _("to be forgotten from"),
        null=True,
        blank=True,
        help_text=_("Set by an erasure: the address goes as soon as the answer has been sent."),
    )

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people who asked")
        ordering: ClassVar = ["-created_at"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["forget_from"], name="privacy_person_forget", condition=~Q(email="")),
        ]

    def __str__(self) -> str:
        return f"person {self.pk.hex[-8:]}"

    def save(self, **kwargs: object) -> None:
        if self.email and not self.email_hash:
            self.email_hash = email_hash(self.email)
        super().save(**kwargs)  # type: ignore[arg-type]

    @classmethod
    def without_address(cls, **fields: Any) -> "Person":
        """Somebody who reports something and gives no address: nobody can be written to, or be taken for them."""
        identifier = uuid7()
        return cls.objects.create(id=identifier, email_hash=f"{NOBODY}{identifier.hex}", **fields)

    @property
    def masked(self) -> str:
        """Enough for a colleague to recognise, too little for a screenshot to give away."""
        return mask_email(self.email) if self.email else str(self.absence)

    @property
    def absence(self) -> Promise:
        """Why there is no address."""
        return _("(none given)") if self.email_hash.startswith(NOBODY) else _("(forgotten)")
