"""What a benchmark says: one JSON object a line."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `baseline` share a unit; `ratio` is value over baseline. `note` names the baseline."""

    name: str
    value: float
    unit: str
    baseline: float
    rows: int
    note: str

    def line(self) -> str:
        content = {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "baseline": round(self.baseline, 4),
            "ratio": round(self.value / self.baseline, 4) if self.baseline else None,
            "rows": self.rows,
            "note": self.note,
        }
        return json.dumps(content, ensure_ascii=False)


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def middle[Round](rounds: Iterable[Round], ratio: Callable[[Round], float]) -> tuple[Round, str]:
    """The round with the middle ratio, and what the note says of the others."""
    ordered = sorted(rounds, key=ratio)
    least, most = ratio(ordered[0]), ratio(ordered[-1])
    return ordered[len(ordered) // 2], f"the middle of {len(ordered)} rounds ({least:.2f} to {most:.2f})"
