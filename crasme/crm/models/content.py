"""What customers put into the CRM. The author is an account; the person written about may have none."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.crm.fields import MailboxField
from crasme.kit.cards import CardFree
from crasme.kit.ids import uuid7


class Content(CardFree):
    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey("crm.Account", on_delete=models.CASCADE, related_name="+", verbose_name=_("owner"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        abstract = True


class Contact(Content):
    """Somebody a customer knows. For this person the customer, not Concaide, is the controller."""

    full_name = models.CharField(_("full name"), max_length=200)
    email = MailboxField(_("e-mail address"), blank=True, db_index=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    company = models.CharField(_("company"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"contact {self.pk.hex[-8:]}"


class Deal(Content):
    class Stage(models.TextChoices):
        OPEN = "open", _("open")
        WON = "won", _("won")
        LOST = "lost", _("lost")

    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="deals", verbose_name=_("contact")
    )
    title = models.CharField(_("title"), max_length=200)
    value = models.DecimalField(_("value"), max_digits=12, decimal_places=2, default=0)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    stage = models.CharField(_("stage"), max_length=6, choices=Stage.choices, default=Stage.OPEN)

    class Meta:
        verbose_name = _("deal")
        verbose_name_plural = _("deals")
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"deal {self.pk.hex[-8:]}"


class Note(Content):
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="notes", verbose_name=_("contact")
    )
    body = models.TextField(_("text"))

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"note {self.pk.hex[-8:]}"
