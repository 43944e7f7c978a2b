"""Registers that the policy is rendered from: who is responsible, who receives data, which rights there are.

What could go wrong: a second controller row, and two pages name two companies; an address typed into a template that
nobody remembers when it changes; a right that is promised but cannot be asked for. So there is one controller row by
constraint, templates take every address from here, and the request form offers the open rights of this table.
"""

from typing import ClassVar, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consent.models.registry import Translated
from crasme.kit.ids import uuid7
from privacy.models.requests import Request

THE_ONE = 1


class ControllerQuerySet(models.QuerySet["Controller"]):
    def current(self) -> "Controller":
        """The one row. Raises Controller.DoesNotExist before the first migration has run."""
        return self.get(pk=THE_ONE)


class Controller(models.Model):
    """The company that answers for the data, as the policy and every mail name it."""

    id = models.PositiveSmallIntegerField(_("id"), primary_key=True, default=THE_ONE, editable=False)
    company = models.CharField(_("company"), max_length=120)
    product = models.CharField(_("product"), max_length=120)
    contact_email = models.EmailField(_("contact address"), help_text=_("For every question and request on privacy."))
    postal_address = models.TextField(_("postal address"), blank=True)
    website = models.URLField(_("website"), blank=True)
    minimum_age = models.PositiveSmallIntegerField(
        _("minimum age"),
        validators=[MinValueValidator(1)],
        help_text=_("Years. The product is not for younger people."),
    )
    first_answer_working_days = models.PositiveSmallIntegerField(
        _("first answer within"),
        validators=[MinValueValidator(1)],
        help_text=_("Working days until a human answers. An aim of our own, shown on the board, not in the policy."),
    )

    objects = ControllerQuerySet.as_manager()

    class Meta:
        verbose_name = _("controller")
        verbose_name_plural = _("controller")
        default_permissions = ("change", "view")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(id=THE_ONE),
                name="privacy_controller_only_one",
                violation_error_message=_("There is one controller; change the row that exists."),
            ),
            models.CheckConstraint(
                condition=Q(minimum_age__gte=1, first_answer_working_days__gte=1),
                name="privacy_controller_counts",
                violation_error_message=_("Give at least one year and one working day."),
            ),
        ]

    def __str__(self) -> str:
        return self.company


class RecipientQuerySet(models.QuerySet["Recipient"]):
    def active(self) -> Self:
        return self.filter(active=True)

    def without_contract(self) -> Self:
        return self.filter(contract_on=None)


class Recipient(Translated):
    """A processor that receives data under contract (policy section 3)."""

    class Kind(models.TextChoices):
        HOSTING = "hosting", _("hosting")
        PAYMENT = "payment", _("payment")
        EMAIL = "email", _("e-mail delivery")
        ANALYTICS = "analytics", _("analytics")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    purpose = models.TextField(_("purpose"), help_text=_("What it does for us with the data, in a sentence."))
    country = models.CharField(
        _("country"), max_length=2, blank=True, help_text=_("Two letters: where it processes the data.")
    )
    safeguards = models.TextField(
        _("safeguards"), blank=True, help_text=_("What protects data that leaves the country, for example a clause.")
    )
    contract_on = models.DateField(_("contract of"), null=True, blank=True)
    contact_email = models.EmailField(_("contact address"), blank=True, help_text=_("Where erasures are passed on."))
    policy_url = models.URLField(_("privacy policy"), blank=True)
    active = models.BooleanField(_("active"), default=True)

    objects = RecipientQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        ordering: ClassVar = ["kind", "name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex=r"^[A-Z]{2}$"),
                name="privacy_recipient_country",
                violation_error_message=_("Write the country as two capital letters, for example AT."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RightQuerySet(models.QuerySet["Right"]):
    def open(self) -> Self:
        """Those that can be asked for now."""
        return self.filter(open=True)


class Right(Translated):
    """A right people have; `kind` is the kind of request that uses it."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(
        _("kind"), max_length=12, unique=True, choices=Request.Kind.choices, help_text=_("The request that uses it.")
    )
    promise = models.CharField(_("promise"), max_length=8, help_text=_("Its number in the policy, for example P5.1."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    title = models.CharField(_("title"), max_length=80)
    explanation = models.TextField(_("explanation"))
    open = models.BooleanField(_("open"), default=True, help_text=_("Whether the form offers it."))

    objects = RightQuerySet.as_manager()

    class Meta:
        verbose_name = _("right")
        verbose_name_plural = _("rights")
        ordering: ClassVar = ["position", "kind"]
        default_permissions = ("change", "view")

    def __str__(self) -> str:
        return self.kind
