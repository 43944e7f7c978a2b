"""A link to the preference page: who asked for one, and whether the mailbox was proven by it.

What could go wrong: the table becomes a second list of addresses (a row lives for two days, its address is encrypted),
or a stolen table opens pages (a digest stands in place of each link, which is made only when the mail goes).
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from consent.models.choices import PersonRefField
from crasme.kit.claims import Claimable
from crasme.kit.fields import EncryptedTextField
from crasme.kit.ids import uuid7


class PreferenceLink(Claimable):
    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    email = EncryptedTextField(_("e-mail address"))
    subject = PersonRefField(_("person (reference)"), db_index=True)
    account = models.UUIDField(_("account"), null=True, blank=True, help_text=_("When the product vouched for it."))
    language = models.CharField(_("language"), max_length=8, default=settings.LANGUAGE_CODE)
    asked_at = models.DateTimeField(_("asked at"))
    token_digest = models.CharField(_("digest"), max_length=64, null=True, blank=True, unique=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta(Claimable.Meta):
        verbose_name = _("link to the preference page")
        verbose_name_plural = _("links to the preference page")
        ordering: ClassVar = ["-asked_at"]
        default_permissions = ()
        indexes: ClassVar = [
            *Claimable.Meta.indexes,
            models.Index(fields=["asked_at"], name="privacy_preferencelink_asked"),
        ]

    def __str__(self) -> str:
        return f"link {self.pk.hex[-8:]}"
