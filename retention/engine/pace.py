"""How many rows the next batch takes: as many as, by what the last one cost, take about a second and some megabytes.

What could go wrong: a size that suits notes and not accounts with a thousand rows each (so time and WAL are measured,
never guessed), one quick batch after which the next holds its locks for a minute (a batch at most doubles), a short
last batch that says nothing about full ones, and a statement that the database cancels again and again (it is halved
until it fits, and at the smallest size the run stops and says so).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SECONDS: Final = 0.8
WAL_BYTES: Final = 32 * 1024 * 1024
FIRST: Final = 1_000  # the first batch, before anything is known
FEWEST: Final = 10
STEP: Final = 2.0  # a batch at most doubles, and at least halves
GENTLY: Final = 4  # beside others a batch may take and write so many times less


@dataclass(slots=True)
class Pace:
    """`most` is the rule's own batch size: the ceiling. `rows` is the size of the next batch."""

    most: int
    rows: int
    gently: bool = False

    @classmethod
    def of(cls, most: int, resumed: object = None) -> "Pace":
        """From the beginning, or where a run that is resumed had got to."""
        begun = resumed if isinstance(resumed, int) and resumed > 0 else FIRST
        return cls(most, min(most, begun))

    def measured(self, rows: int, spent: timedelta, wal_bytes: int) -> None:
        """A batch of `rows` rows took so long and wrote so much; the next one is sized by it."""
        cost = max(spent.total_seconds() / SECONDS, wal_bytes / WAL_BYTES) * (GENTLY if self.gently else 1)
        if rows <= 0 or (rows < self.rows and cost < 1):
            return
        # The rows that would have cost exactly as much as allowed; a clock that stood still allows the largest step.
        fitting = rows / cost if cost > 0 else rows * STEP
        self._set(min(max(fitting, self.rows / STEP), self.rows * STEP))

    def beside_others(self, gently: bool) -> None:
        """Others have come to work beside it, or have gone: the very next batch is a small one, or may grow again."""
        if gently and not self.gently:
            self._set(self.rows / GENTLY)
        self.gently = gently

    def halve(self) -> bool:
        """After a batch that was cancelled for taking too long; False when it cannot be any smaller."""
        before = self.rows
        self._set(before / STEP)
        return self.rows < before

    def _set(self, rows: float) -> None:
        self.rows = min(self.most, max(int(rows), min(FEWEST, self.most)))
