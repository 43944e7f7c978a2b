"""Billing. Payments are handled by the processor; only its references are stored here, never card data (P7.2)."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.crm.fields import MailboxField
from crasme.kit.cards import CardFree
from crasme.kit.ids import uuid7


class BillingProfile(CardFree):
    """Who pays for an account's subscription, and under which reference the processor knows them."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    account = models.OneToOneField(
        "crm.Account", on_delete=models.CASCADE, related_name="billing_profile", verbose_name=_("account")
    )
    billing_name = models.CharField(_("billing name"), max_length=200)
    billing_email = MailboxField(_("billing e-mail address"), blank=True)
    billing_address = models.TextField(_("billing address"))
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    processor = models.CharField(_("payment processor"), max_length=40)
    processor_customer = models.CharField(
        _("customer reference"), max_length=80, help_text=_("The processor's reference, e.g. cus_9xT…")
    )
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("billing profile")
        verbose_name_plural = _("billing profiles")
        indexes: ClassVar = [models.Index(fields=["billing_email"], name="crm_billing_email")]

    def __str__(self) -> str:
        return f"billing profile {self.pk.hex[-8:]}"


class Invoice(CardFree):
    """An issued invoice with its own copy of the billed party: tax law outlives the account."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    number = models.CharField(_("number"), max_length=30, unique=True)
    account = models.ForeignKey(
        "crm.Account",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="invoices",
        verbose_name=_("account"),
    )
    organisation = models.ForeignKey(
        "crm.Organisation", on_delete=models.PROTECT, related_name="invoices", verbose_name=_("organisation")
    )
    billed_name = models.CharField(_("billed name"), max_length=200)
    billed_address = models.TextField(_("billed address"))
    billed_email = MailboxField(_("billed e-mail address"), blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    issued_on = models.DateField(_("issued on"))
    description = models.CharField(_("description"), max_length=200)
    currency = models.CharField(_("currency"), max_length=3)
    net = models.DecimalField(_("net"), max_digits=12, decimal_places=2)
    tax = models.DecimalField(_("tax"), max_digits=12, decimal_places=2)
    total = models.GeneratedField(
        expression=F("net") + F("tax"),
        output_field=models.DecimalField(_("total"), max_digits=13, decimal_places=2),
        db_persist=True,
    )
    processor = models.CharField(_("payment processor"), max_length=40, blank=True)
    processor_reference = models.CharField(_("payment reference"), max_length=80, blank=True)
    on_hold = models.BooleanField(_("on hold"), default=False, help_text=_("Set by a legal hold."))

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        ordering: ClassVar = ["-issued_on", "-number"]
        indexes: ClassVar = [
            models.Index(fields=["-issued_on", "-number"], name="crm_invoice_newest"),
            models.Index(fields=["billed_email"], name="crm_invoice_email"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(net__gte=0, tax__gte=0),
                name="crm_invoice_not_negative",
                violation_error_message=_("An invoice's amounts are not negative; issue a credit note instead."),
            ),
        ]

    def __str__(self) -> str:
        return f"invoice {self.number}"


class Dispute(CardFree):
    """Somebody contests an invoice. While one is open the invoice is kept past its period, as evidence for either side.

    Who contests, and in which words, stays in the CRM: here are a kind, a number and two dates.
    """

    class Reason(models.TextChoices):
        AMOUNT = "amount", _("the amount")
        NOT_ORDERED = "not-ordered", _("not ordered")
        NOT_DELIVERED = "not-delivered", _("not delivered")
        PAYMENT = "payment", _("the payment, such as a chargeback")
        OTHER = "other", _("something else")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="disputes", verbose_name=_("invoice"))
    reference = models.CharField(
        _("reference"), max_length=40, blank=True, help_text=_("The CRM's number of the dispute; never a name.")
    )
    reason = models.CharField(_("what is contested"), max_length=16, choices=Reason.choices)
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.CharField(_("opened by"), max_length=80)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering: ClassVar = ["-opened_at", "-id"]
        default_permissions = ("view",)
        permissions: ClassVar = [("settle_dispute", "Can open and close disputes about invoices")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice"],
                condition=Q(closed_at=None),
                name="crm_dispute_one_open",
                violation_error_message=_("This invoice is in dispute already."),
            ),
            models.UniqueConstraint(
                fields=["reference"],
                condition=~Q(reference=""),
                name="crm_dispute_reference",
                violation_error_message=_("There is a dispute of this reference already."),
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by="") | (Q(closed_at__gte=F("opened_at")) & ~Q(closed_by="")),
                name="crm_dispute_closed_whole",
                violation_error_message=_("A dispute is closed by somebody, and not before it was opened."),
            ),
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk.hex[-8:]}"
