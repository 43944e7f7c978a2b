"""What the published policy promises of the CRM's own data (section 8), and what follows from it."""

from decimal import Decimal

from retention.models import Rule
from retention.schedule.planned import Planned

RULES = (
    Planned(
        slug="account-closed",
        target="crm.account",
        anchor="closed_at",
        period="P90D",
        action=Rule.Action.ERASE_ACCOUNT,
        policy_section="P8.1",
        legal_reason="Kept for 90 days after closure so that the customer can come back; nothing needs it after that.",
        batch_size=1_000,
        max_rows=20_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="usage",
        target="crm.usageevent",
        anchor="occurred_at",
        period="P24M",
        action=Rule.Action.DROP_PARTITIONS,
        carry_to="crm.heldusageevent",
        policy_section="P8.2",
        legal_reason="Faults and trends show within two years; older usage data improves nothing.",
        batch_size=20_000,
        max_rows=50_000_000,
        max_share=Decimal("0.6"),
    ),
    Planned(
        slug="billing",
        target="crm.invoice",
        anchor="issued_on",
        period="P7Y",
        policy_section="P8.3",
        legal_reason="Tax and commercial law demands billing records for seven years.",
        max_rows=500_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="billing-mailbox",
        target="crm.invoice",
        anchor="issued_on",
        period="P3Y",
        action=Rule.Action.BLANK,
        fields=("billed_email",),
        legal_reason=(
            "The mailbox an invoice was sent to is needed while it can be late or disputed; tax law asks for the"
            " invoice, not for the mailbox."
        ),
        batch_size=10_000,
        max_rows=500_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="backups",
        target="retention.backupset",
        anchor="made_at",
        period="P30D",
        action=Rule.Action.DELETE_FILES,
        policy_section="P8.4",
        legal_reason="A copy may outlive a deletion by 30 days at most, so no copy is older than that.",
        max_rows=1_000,
    ),
    Planned(
        slug="tombstones",
        target="crm.account",
        anchor="erased_at",
        period="P7Y",
        unreferenced_by=("crm.invoice.account", "crm.usageevent.account", "crm.heldusageevent.account"),
        legal_reason="The bare id of an erased account keeps a restored backup from bringing the person back.",
        max_rows=100_000,
    ),
)
