"""How much of everything, and from when. One `Demo` is handed to every section."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from crasme.kit.calendar import Period, cutoff

# Told how far a section is: (made, of how many).
Draw = Callable[[int, int], None]
# What a section made: {"accounts": 2000}.
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Size:
    organisations: int
    accounts: int
    events: int
    requests: int
    consents: int


SIZES = {
    "small": Size(organisations=50, accounts=2_000, events=300_000, requests=400, consents=1_500),
    "large": Size(organisations=1_000, accounts=50_000, events=10_000_000, requests=10_000, consents=50_000),
}
USAGE_SPAN = Period(months=30)
INVOICE_SPAN = Period(months=9 * 12)


@dataclass(frozen=True, slots=True)
class Demo:
    """`now` (aware, UTC) is what the demo's ages are counted back from; `seed` makes two runs alike."""

    size: Size
    now: datetime
    seed: int = 2026

    def rng(self, section: str) -> random.Random:
        """A generator of its own for each section, so that a change in one leaves the others as they were."""
        return random.Random(f"{self.seed}:{section}")  # noqa: S311

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    @property
    def usage_start(self) -> datetime:
        return cutoff(self.now, USAGE_SPAN)

    @property
    def invoice_start(self) -> datetime:
        return cutoff(self.now, INVOICE_SPAN)


def uuid7_at(moment: datetime, rng: random.Random) -> UUID:
    """A UUIDv7 of a moment in the past, with seeded random bits."""
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000)
    value = milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    return UUID(int=value)
