"""Where the live registers and the last published policy differ.

What could go wrong: staff change a period or an address, the page follows at once, and nobody publishes a version
that says so. The difference is shown to staff on the page, on the desk and on the promise board (P10.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import override

from privacy.models import PolicyVersion
from privacy.policy import facts


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact, by its path ("rules.usage.period"); None stands for: not there."""

    path: str
    published: Any
    live: Any

    @property
    def before(self) -> str:
        return _words(self.published)

    @property
    def after(self) -> str:
        return _words(self.live)


def differences(now: datetime) -> list[Difference]:
    """Between the version that applies and the live rows, both in English. Empty before the first publication."""
    version = PolicyVersion.objects.current(now)
    if version is None:
        return []
    with override("en"):
        live = facts.collect(now)
    return list(compare(version.snapshot["facts"], live))


def compare(published: Any, live: Any, path: str = "") -> Iterator[Difference]:
    """Every leaf that differs, in the order of the paths."""
    if isinstance(published, dict) and isinstance(live, dict):
        for key in sorted(published.keys() | live.keys()):
            yield from compare(published.get(key), live.get(key), f"{path}.{key}" if path else key)
    elif published != live:
        yield Difference(path, published, live)


def _words(value: Any) -> str:
    """A whole section, as it stands where nothing was, by what it is called: all of it would be a page."""
    if value is None:
        return "–"
    if isinstance(value, dict):
        named = next((value[name] for name in ("title", "name") if value.get(name)), None)
        return str(named or "; ".join(_words(each) for each in value.values() if each))
    return ", ".join(map(_words, value)) if isinstance(value, list) else str(value)
