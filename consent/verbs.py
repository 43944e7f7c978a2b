from crasme.ledger.registry import register

NOTICE_PUBLISHED = register(
    "consent.notice_published",
    "A version of the cookie notice went live.",
    facts=("version", "notices", "registry", "asks_again"),
)
REGISTRY_PUBLISHED = register(
    "consent.registry_published",
    "A version of the cookie registry came into force.",
    facts=("version", "registry", "asks_again", "changes", "vouched"),
)
DAY_SEALED = register(
    "consent.day_sealed",
    "All cookie choices of a day were sealed under one number.",
    facts=("day", "root", "records"),
)
REGISTRY_CHANGED = register(
    "consent.registry_changed",
    "A category, service or cookie was declared, changed or removed.",
    facts=("table", "row", "change", "rows", "registry"),
)
SUPPRESSED = register(
    "consent.suppressed", "An address was put on the suppression list.", facts=("scope", "channel", "reason", "source")
)
SUPPRESSION_LIFTED = register(
    "consent.suppression_lifted",
    "A person, verified, asked to receive mail again.",
    facts=("scope", "verification"),
)
SIGHTING_SETTLED = register(
    "consent.sighting_settled",
    "A cookie that was seen out of place was called resolved, ignored or open.",
    facts=("cookie", "route", "reason", "state"),
)
MARKETING_CHOSEN = register(
    "consent.marketing_chosen",
    "A person, verified, chose which marketing they want.",
    facts=("action", "surface", "wanted", "refused", "choice"),
)
SUPPRESSION_IMPORTED = register(
    "consent.suppression_imported",
    "A list of people who want no marketing was taken over.",
    facts=("rows", "new"),
)
TOPIC_CHANGED = register(
    "consent.topic_changed",
    "A marketing topic was added or changed.",
    facts=("topic", "active", "email", "sms", "phone", "post"),
)
