from crasme.ledger.registry import register

ACCOUNT_CLOSED = register("crm.account_closed", "An account was closed.").name
ACCOUNT_REACTIVATED = register("crm.account_reactivated", "A closed account was opened again within its grace.").name
ACCOUNT_RESTRICTED = register(
    "crm.account_restricted",
    "From now on the account's data is stored and not used.",
    facts=("by_request", "reason", "restored", "since"),
).name
ACCOUNT_UNRESTRICTED = register("crm.account_unrestricted", "A restriction was lifted.").name
ANALYSIS_STOPPED = register("crm.analysis_stopped", "The person objects to analysis; no usage is recorded.").name
ANALYSIS_RESUMED = register("crm.analysis_resumed", "An objection to analysis was taken back.").name
DISPUTE_OPENED = register(
    "crm.dispute_opened", "An invoice is in dispute, and kept until that is settled.", facts=("dispute", "reason")
).name
DISPUTE_CLOSED = register("crm.dispute_closed", "A dispute about an invoice was settled.", facts=("dispute",)).name
CORRECTED = register("crm.corrected", "Data about a person was corrected.", facts=("table", "fields")).name
ACCOUNTS_IMPORTED = register(
    "crm.accounts_imported",
    "A file of accounts was imported.",
    facts=("created", "updated", "unchanged", "unwanted"),
).name
INTEGRATION_DISCONNECTED = register(
    "crm.integration_disconnected",
    "A connected service was disconnected: tokens, cursor and synchronised messages are gone, or kept by a legal hold.",
    facts=("provider", "messages", "kept"),
).name
