"""Legal holds: what may not be deleted, whatever a period says.

What could go wrong: a hold that exists on paper and is not read by the code that deletes. The items here are what
the predicate asks; the `on_hold` flags of accounts and invoices only show it, and protect once more.
"""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.datamap import Category
from crasme.kit.ids import uuid7

CATEGORY_LABELS = {
    Category.ACCOUNT: _("accounts"),
    Category.USAGE: _("usage data"),
    Category.DEVICE: _("devices"),
    Category.COOKIES: _("cookies and choices"),
    Category.CONTENT: _("content of the CRM"),
    Category.INTEGRATION: _("connected services"),
    Category.BILLING: _("billing"),
    Category.RIGHTS: _("privacy requests"),
    Category.STAFF: _("staff"),
}
CATEGORIES = [(category.value, label) for category, label in CATEGORY_LABELS.items()]


class HoldQuerySet(models.QuerySet["Hold"]):
    def active(self) -> Self:
        return self.filter(released_at=None)


class Hold(models.Model):
    """One matter. Reviewed on a date by an owner; released once, never re-opened (place a new one)."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    matter = models.CharField(_("matter"), max_length=40, unique=True, help_text=_("File reference, e.g. M-17."))
    reason = models.TextField(_("reason"), help_text=_("Why the law demands it; no names of people."))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("owner")
    )
    review_on = models.DateField(_("review on"))
    placed_at = models.DateTimeField(_("placed at"))
    placed_by = models.CharField(_("placed by"), max_length=80)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    released_by = models.CharField(_("released by"), max_length=80, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering: ClassVar = ["-placed_at"]
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("place_hold", _("Can place legal holds")),
            ("release_hold", _("Can release legal holds")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(released_at=None, released_by="")
                | (Q(released_at__gte=F("placed_at")) & ~Q(released_by="")),
                name="retention_hold_released_by_somebody",
                violation_error_message=_("A release comes after the placing and names who did it."),
            ),
        ]

    def __str__(self) -> str:
        return self.matter


class HoldItemQuerySet(models.QuerySet["HoldItem"]):
    def active(self) -> Self:
        return self.filter(hold__released_at=None)


class HoldItem(models.Model):
    """One thing that a hold covers. A period covers rows by their own date, from `since` up to, not including, `until`;
    with a category only that category's rows."""

    class Scope(models.TextChoices):
        ACCOUNT = "account", _("one account")
        ORGANISATION = "organisation", _("one organisation")
        CATEGORY = "category", _("a category of data")
        PERIOD = "period", _("a period of time")
        RECORD = "record", _("one record")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="items", verbose_name=_("hold"))
    scope = models.CharField(_("scope"), max_length=12, choices=Scope.choices)
    account = models.ForeignKey(
        "crm.Account", on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    organisation = models.ForeignKey(
        "crm.Organisation",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation"),
    )
    category = models.CharField(_("category"), max_length=4, choices=CATEGORIES, blank=True)
    since = models.DateField(_("since"), null=True, blank=True)
    until = models.DateField(_("until"), null=True, blank=True, help_text=_("The first day no longer covered."))
    label = models.CharField(_("table"), max_length=80, blank=True, help_text=_("Label of the record's model."))
    record = models.CharField(_("record"), max_length=64, blank=True, help_text=_("Its primary key."))

    objects = HoldItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("held item")
        verbose_name_plural = _("held items")
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["label", "record"], name="retention_holditem_record", condition=Q(scope="record"))
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    scope="account",
                    account__isnull=False,
                    organisation=None,
                    category="",
                    since=None,
                    until=None,
                    label="",
                    record="",
                )
                | Q(
                    scope="organisation",
                    account=None,
                    organisation__isnull=False,
                    category="",
                    since=None,
                    until=None,
                    label="",
                    record="",
                )
                | (
                    Q(scope="category", account=None, organisation=None, since=None, until=None, label="", record="")
                    & ~Q(category="")
                )
                | Q(
                    scope="period",
                    account=None,
                    organisation=None,
                    since__isnull=False,
                    until__isnull=False,
                    label="",
                    record="",
                )
                | (
                    Q(scope="record", account=None, organisation=None, category="", since=None, until=None)
                    & ~Q(label="")
                    & ~Q(record="")
                ),
                name="retention_holditem_says_its_scope",
                violation_error_message=_(
                    "Give what the scope asks for, no more: an account, an organisation, a category, dates or a record."
                ),
            ),
            models.CheckConstraint(
                condition=Q(since=None) | Q(until__gt=F("since")),
                name="retention_holditem_period_in_order",
                violation_error_message=_("The period must end after it begins."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.pk.hex[-8:]}"
