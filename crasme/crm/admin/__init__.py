"""What staff see of the CRM. Read-only but for what support may correct; each look at people's rows is logged."""

from crasme.crm.admin.accounts import AccountAdmin
from crasme.crm.admin.billing import BillingProfileAdmin, InvoiceAdmin
from crasme.crm.admin.content import ContactAdmin, DealAdmin, NoteAdmin
from crasme.crm.admin.devices import CredentialAdmin, DeviceAdmin
from crasme.crm.admin.integrations import IntegrationAdmin, SyncedMessageAdmin
from crasme.crm.admin.organisations import OrganisationAdmin
from crasme.crm.admin.usage import HeldUsageEventAdmin, UsageEventAdmin

__all__ = [
    "AccountAdmin",
    "BillingProfileAdmin",
    "ContactAdmin",
    "CredentialAdmin",
    "DealAdmin",
    "DeviceAdmin",
    "HeldUsageEventAdmin",
    "IntegrationAdmin",
    "InvoiceAdmin",
    "NoteAdmin",
    "OrganisationAdmin",
    "SyncedMessageAdmin",
    "UsageEventAdmin",
]
