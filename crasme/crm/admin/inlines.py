"""What hangs off an account, as tabs of its page. Secrets are not even loaded."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from crasme.crm.admin.base import RecordInline
from crasme.crm.models import BillingProfile, Contact, Deal, Device, Dispute, Integration, Invoice, Note


class BillingProfileInline(RecordInline):
    model = BillingProfile
    per_page = None
    fields: ClassVar = ("billing_name", "billing_email", "billing_address", "tax_number", "processor")
    readonly_fields = fields


class InvoiceInline(RecordInline):
    model = Invoice
    fields: ClassVar = ("number", "issued_on", "description", "total", "currency")
    readonly_fields = fields


class DisputeInline(RecordInline):
    model = Dispute
    fields: ClassVar = ("opened_at", "reason", "reference", "closed_at")
    readonly_fields = fields


class DeviceInline(RecordInline):
    model = Device
    fields: ClassVar = ("kind", "operating_system", "browser", "ip_address", "approximate_location", "last_seen_at")
    readonly_fields = fields


class IntegrationInline(RecordInline):
    model = Integration
    per_page = None
    fields: ClassVar = ("provider", "scopes", "connected_at", "synced_at", "disconnected_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer("access_token", "refresh_token")


class ContactInline(RecordInline):
    model = Contact
    fields: ClassVar = ("full_name", "email", "phone", "company", "created_at")
    readonly_fields = fields


class DealInline(RecordInline):
    model = Deal
    fields: ClassVar = ("title", "value", "currency", "stage", "created_at")
    readonly_fields = fields


class NoteInline(RecordInline):
    model = Note
    fields: ClassVar = ("body", "created_at")
    readonly_fields = fields


ALL = (
    BillingProfileInline,
    InvoiceInline,
    DeviceInline,
    IntegrationInline,
    ContactInline,
    DealInline,
    NoteInline,
)
