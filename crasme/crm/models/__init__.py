"""What the platform holds (policy sections 1 and 7). These rows are governed; other rooms govern them."""

from crasme.crm.models.accounts import Account, Credential
from crasme.crm.models.billing import BillingProfile, Dispute, Invoice
from crasme.crm.models.content import Contact, Deal, Note
from crasme.crm.models.devices import Device
from crasme.crm.models.integrations import Integration, SyncedMessage
from crasme.crm.models.organisations import Organisation
from crasme.crm.models.usage import HeldUsageEvent, UsageEvent

__all__ = [
    "Account",
    "BillingProfile",
    "Contact",
    "Credential",
    "Deal",
    "Device",
    "Dispute",
    "HeldUsageEvent",
    "Integration",
    "Invoice",
    "Note",
    "Organisation",
    "SyncedMessage",
    "UsageEvent",
]
