"""What people chose about marketing: the third part of the ledger of choices, beside cookies and documents.

What could go wrong: a permission that nobody can prove, or one that a retry counts twice. So each act is a row that
names every topic and channel with yes or no, what allows each, and the words that stood there; its id is made by the
page that was sent (UUIDv7), and a trigger refuses UPDATE and DELETE outside of retention. Whose choice it is stands
here as the ledger's keyed reference: it outlives the address and every change of the suppression list's key.
"""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import digest
from crasme.kit.crypto import subject_ref
from crasme.kit.ids import uuid7
from crasme.kit.text import normalise_email


def person_ref(email: str) -> str:
    """How the ledger names the owner of an address."""
    return subject_ref("email", normalise_email(email))


class PersonRefField(models.CharField):
    """The ledger's reference to the owner of an address. Takes an address or a reference, also in lookups."""

    description = _("Keyed reference to a person")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 48} | kwargs)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return person_ref(value) if value is not None and "@" in value else value


class MarketingChoice(models.Model):
    class Action(models.TextChoices):
        SAVE = "save", _("chose")
        STOP = "stop-all", _("stopped everything")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribed")
        OBJECT = "object", _("objected")
        RESUME = "resume", _("asked for it again")

    class Surface(models.TextChoices):
        PREFERENCES = "preferences", _("preference page")
        LINK = "link", _("link in a mail")
        REQUEST = "request", _("privacy request")
        STAFF = "staff", _("entered by staff")
        API = "api", _("API")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    subject = PersonRefField(_("person (reference)"))
    account = models.UUIDField(_("account"), null=True, blank=True)
    choices = models.JSONField(_("choices"), help_text=_("Topic and channel → true or false; refusals too."))
    basis = models.JSONField(_("allowed by"), help_text=_("Topic and channel → what allowed it then."))
    shown = models.JSONField(_("words shown"), null=True, blank=True, help_text=_("Topic → title and purpose."))
    action = models.CharField(_("action"), max_length=12, choices=Action.choices)
    surface = models.CharField(_("made on"), max_length=12, choices=Surface.choices)
    language = models.CharField(_("language"), max_length=8, blank=True)
    decided_at = models.DateTimeField(_("decided at"))
    digest = models.CharField(_("digest"), max_length=64, help_text=_("SHA-256 of the row's canonical JSON."))

    class Meta:
        verbose_name = _("marketing choice")
        verbose_name_plural = _("marketing choices")
        ordering: ClassVar = ["-decided_at", "-id"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["subject", "-decided_at"], name="consent_marketing_subject"),
            models.Index(fields=["decided_at"], name="consent_marketing_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.pk.hex[-8:]}"

    def computed_digest(self) -> str:
        """What `digest` must be: SHA-256 in hex over canonical JSON of every other column, times in UTC."""
        content = {field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}
        del content["digest"]
        content |= {"id": str(self.id), "account": str(self.account or ""), "decided_at": self.decided_at.isoformat()}
        return digest(content)
