"""Customers: the organisations that subscribe."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.cards import CardFree
from crasme.kit.ids import uuid7


class Organisation(CardFree):
    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=200)
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166 code, e.g. AT."))
    business_address = models.TextField(_("business address"), blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
