"""Who gets a request when it is confirmed: rules in an order, the first that fits counts."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from crasme.staff.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from privacy.clock.regimes import Regime
from privacy.models.requests import Request


def _any_of(choices: Any, name: Any, length: int) -> ArrayField:
    """A set of choices; an empty one means that it does not matter."""
    return ArrayField(models.CharField(max_length=length, choices=choices), verbose_name=name, default=list, blank=True)


class AssignmentRule(models.Model):
    """It gives to whoever has least to do: among the colleagues named, or else in the role."""

    ROLES: ClassVar = [(SUPPORT_AGENT, _("Support agents")), (PRIVACY_OFFICER, _("Privacy officers"))]

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(
        _("position"), default=1, validators=[MinValueValidator(1)], help_text=_("The first rule that fits counts.")
    )
    active = models.BooleanField(_("active"), default=True)
    kinds = _any_of(Request.Kind.choices, _("kinds"), 12)
    languages = _any_of(settings.LANGUAGES, _("languages"), 8)
    regimes = _any_of(Regime.choices, _("laws"), 8)
    role = models.CharField(_("role"), max_length=40, choices=ROLES, blank=True)
    colleagues = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        verbose_name=_("colleagues"),
        help_text=_("Named colleagues go before the role."),
    )

    class Meta:
        verbose_name = _("assignment rule")
        verbose_name_plural = _("assignment rules")
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.name

    def fits(self, request: Request) -> bool:
        asked = ((self.kinds, request.kind), (self.languages, request.language), (self.regimes, request.regime))
        return all(not wanted or value in wanted for wanted, value in asked)
