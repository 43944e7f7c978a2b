"""Figures for monitoring, offered by any room: write `@gauges.gauge(...)` functions in the room's `metrics.py`.

They are asked at every scrape, so each must be one cheap query. What could go wrong: a figure about a person, or a
label with no bound (labels are states, kinds and names of tables, never ids).

    @gauges.gauge("crasme_requests_overdue", "Privacy requests past their day")
    def overdue() -> int: ...

    @gauges.gauge("crasme_requests", "Privacy requests by state", labels=("state",))
    def by_state() -> Iterable[tuple[tuple[str, ...], float]]: ...
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Value = float | Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True)
class Gauge:
    """One figure, or one per combination of `labels`; `read` is called at every scrape."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    read: Callable[[], Value]

    def samples(self) -> list[tuple[tuple[str, ...], float]]:
        value = self.read()
        return [((), float(value))] if isinstance(value, int | float) else [(tuple(at), float(n)) for at, n in value]


_known: dict[str, Gauge] = {}


def gauge[F: Callable[[], Value]](name: str, meaning: str, *, labels: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Register the decorated function. Raises ValueError for a name that is taken or not of the form crasme_…."""
    if not re.fullmatch(r"crasme_[a-z0-9_]+", name):
        raise ValueError(f"{name!r} is no name for a gauge: write crasme_ and then small letters, digits and _.")

    def register(read: F) -> F:
        known = _known.get(name)
        if known is not None and known.read.__qualname__ + known.read.__module__ != read.__qualname__ + read.__module__:
            raise ValueError(f"The gauge {name} exists already, in {known.read.__module__}.")
        _known[name] = Gauge(name, meaning, labels, read)
        return read

    return register


def known() -> list[Gauge]:
    """All gauges registered so far, by name."""
    return [_known[name] for name in sorted(_known)]
