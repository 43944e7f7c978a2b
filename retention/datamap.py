"""What this room itself stores about people: whom a hold protects, and who placed it."""

from crasme.kit.datamap import Category, NoPeople, Purpose, Table, kept

CLAIMS = "Needed for legal claims (GDPR Art. 17(3)(e)); it goes three years after the hold was released."
NOT_TOLD = "That a hold exists can be part of proceedings that the person must not be warned of."
SECURITY = (Purpose.SECURITY,)

TABLES = [
    NoPeople("retention.Rule", why="Periods and reasons; nobody is named."),
    NoPeople("retention.Plan", why="Counts and cut-offs; staff stand in it by reference only, as in the ledger."),
    NoPeople(
        "retention.Run", why="Counts, cut-offs and digests; staff stand in it by reference only, as in the ledger."
    ),
    NoPeople("retention.Batch", why="A number of rows and a digest of their keys, which tells nothing without them."),
    NoPeople("retention.PlanOrder", why="A day and two numbers; staff stand in it by reference only."),
    NoPeople("retention.Standing", why="Counts and times, a rule each."),
    NoPeople("retention.ErasureEntry", why="Keys of rows that are gone, never used again; what is held, by reference."),
    NoPeople("retention.ErasureHead", why="A number, a digest and the number of a server."),
    NoPeople("retention.ErasureParked", why="As the entries; staff stand in it by reference only, as in the ledger."),
    NoPeople("retention.ErasureWaiting", why="Keys and keyed hashes, gone in the next moment."),
    NoPeople("retention.BackupSet", why="Names, places and dates of copies, not their content."),
    Table(
        label="retention.Hold",
        title="Legal holds",
        category=Category.RIGHTS,
        purposes=SECURITY,
        subject={"staff": "owner"},
        ends="holds",
        order="placed_at",
        source="placed by staff",
        fields={
            "matter": kept("File reference", reason=CLAIMS),
            "reason": kept("Why the hold was placed", reason=CLAIMS),
            "owner": kept("Who answers for the hold", reason=CLAIMS),
            "review_on": kept("When it is reviewed", reason=CLAIMS),
            "placed_at": kept("When it was placed", reason=CLAIMS),
            "placed_by": kept("Who placed it", reason=CLAIMS),
            "released_at": kept("When it was released", reason=CLAIMS),
            "released_by": kept("Who released it", reason=CLAIMS),
        },
    ),
    Table(
        label="retention.HoldItem",
        title="What legal holds cover",
        category=Category.RIGHTS,
        purposes=SECURITY,
        subject={"account": "account"},
        ends="holds",
        source="placed by staff",
        fields={
            name: kept(meaning, reason=CLAIMS, withheld=NOT_TOLD)
            for name, meaning in {
                "hold": "The matter",
                "scope": "Account, organisation, category, period or single record",
                "account": "The account covered",
                "organisation": "The organisation covered",
                "category": "The category covered",
                "since": "First day covered",
                "until": "First day no longer covered",
                "label": "The table of a single record",
                "record": "The key of a single record",
            }.items()
        },
    ),
]
