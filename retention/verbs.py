from crasme.ledger.registry import register

PURGED = register(
    "retention.purged",
    "A rule ended what was over.",
    facts=(
        "run",
        "rule",
        "state",
        "period",
        "cutoff",
        "rows",
        "counts",
        "digest",
        "wal_bytes",
        "seconds",
        "approved_by",
        "plan",
        "planned",
    ),
)
APPROVED_FIRST = register(
    "retention.approved_first",
    "A first person approved a run over its limits.",
    facts=("run", "rule", "rows", "plan"),
)
APPROVED = register(
    "retention.approved",
    "A second person approved a run over its limits.",
    facts=("run", "rule", "rows", "share", "plan"),
)
PLANNED = register(
    "retention.planned", "A plan of what would end was drawn.", facts=("plan", "at", "rules", "rows", "over_limit")
)
DRIFTED = register(
    "retention.drifted",
    "More rows were over than a run had planned.",
    facts=("run", "rule", "planned", "found", "plan", "waits"),
)
ERASED = register(
    "retention.erased",
    "A person's data was erased by a plan that was approved.",
    facts=("plan", "counts", "unlinked", "kept"),
)
HOLD_PLACED = register("retention.hold_placed", "A legal hold was placed.", facts=("hold", "items", "review_on"))
HOLD_RELEASED = register("retention.hold_released", "A legal hold was released.", facts=("hold", "items"))
RULES_INSTALLED = register("retention.rules_installed", "The first schedule was put in force.", facts=("rules",))
BACKUP_GONE = register(
    "retention.backup_gone", "A backup set was deleted and seen to be gone.", facts=("backup", "run")
)
RULE_DRAFTED = register("retention.rule_drafted", "A retention rule was drafted.", facts=("rule", "period", "action"))
RULE_DISCARDED = register("retention.rule_discarded", "A draft of a retention rule was discarded.", facts=("rule",))
RULE_AHEAD = register(
    "retention.rule_ahead",
    "A published rule waits for the day on which its policy takes effect.",
    facts=("rule", "period", "version", "begins"),
)
RULE_CHANGED = register(
    "retention.rule_changed", "A published policy put a rule in force.", facts=("rule", "before", "period", "version")
)
ERASED_AGAIN = register(
    "retention.erased_again",
    "An act of the erasure ledger was carried out again in a restored database.",
    facts=("number", "act", "plan", "counts", "kept"),
)
GATE_OPENED = register(
    "retention.gate_opened",
    "A restored database caught up with the erasure ledger.",
    facts=("number", "digest", "entries", "acts", "counts"),
)
LEDGER_REBUILT = register(
    "retention.ledger_rebuilt",
    "The erasure ledger was made again from the database.",
    facts=("entries", "number", "digest"),
)
LEDGER_ADOPTED = register(
    "retention.ledger_adopted",
    "A database took the erasure ledger over from the one that wrote to it before.",
    facts=("number", "before", "home"),
)
REPLAY_PARKED = register(
    "retention.replay_parked",
    "An act of the erasure ledger could not be carried out again.",
    facts=("number", "act", "error"),
)
REPLAY_ACCEPTED = register(
    "retention.replay_accepted",
    "An operator answers for going on without an act that could not be carried out again.",
    facts=("number", "act"),
)
