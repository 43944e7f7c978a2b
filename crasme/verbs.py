"""What the roof itself writes into the evidence."""

from crasme.ledger.registry import register

DEMO_FILLED = register(
    "demo.filled", "A section of the demo data was made; people of this database are invented.",
    facts=("section", "rows", "seed"),
)  # fmt: skip
