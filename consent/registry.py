"""The registry in force, as the middleware and the pages read it: the last version published, held in the process.

What staff edit is a draft (`consent.drafting`) and counts for nobody until it is published with the notice that tells
of it (`consent.notices.publish`).

What could go wrong: a process goes on with yesterday's rows (for half a minute at most, see `consent.remembered`), or
the rows cannot be read at all: then what ships with the program is what counts, so that signing in still works and
nothing else gets through.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from consent import drafting, seeds
from consent.models import Category, Cookie, Notice, RegistryCheck, RegistryVersion
from consent.remembered import Remembered

MOST_MET: Final = 4_096  # names with random numbers in them would fill the memory


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`exact` and `prefixes` lead from a cookie's name to the bit it needs (0: essential, needs none)."""

    bits: dict[str, int]  # slug → its bit as a number: 1, 2, 4 …
    essential: int
    off_under_gpc: int
    asked_since: dict[int, int]  # bit → the notice version since which the question stands as it is
    exact: dict[str, int]
    prefixes: dict[str, int]
    prefix_lengths: tuple[int, ...]
    on_request: frozenset[str]  # names that a visitor may ask for without agreeing to the category
    # Answers that were found before: a response sets the same few names again and again.
    met: dict[str, int | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def everything(self) -> int:
        return sum(self.bits.values())

    def needs(self, name: str) -> int | None:
        """The bit that a cookie of this name needs; None when nobody declared it."""
        try:
            return self.met[name]
        except KeyError:
            found = self._needs(name)
            if len(self.met) < MOST_MET:
                self.met[name] = found
            return found

    def _needs(self, name: str) -> int | None:
        found = self.exact.get(name)
        if found is None:
            for length in self.prefix_lengths:  # the longest first: it says most
                if (found := self.prefixes.get(name[:length])) is not None:
                    break
        return found

    def mask(self, choices: dict[str, bool]) -> int:
        return sum(bit for slug, bit in self.bits.items() if choices.get(slug)) | self.essential

    def choices(self, mask: int) -> dict[str, bool]:
        """Every category, granted or not."""
        return {slug: bool(bit & (mask | self.essential)) for slug, bit in self.bits.items()}


def snapshot() -> Snapshot:
    return _held.get()


@dataclass(frozen=True, slots=True)
class InForce:
    """What the public table shows: the rows, the version they are of, and the crawl that last found them true."""

    rows: list[tuple[Category, list[Cookie]]]
    number: int
    sha256: str
    checked: RegistryCheck | None


def in_force() -> InForce:
    return _shown.get()


def forget() -> None:
    """The next reader in this process sees what is published now."""
    _held.forget()
    _shown.forget()


def forget_after_commit() -> None:
    transaction.on_commit(forget)


def _load() -> Snapshot:
    newest = RegistryVersion.objects.newest()
    if newest is None or not newest.content["categories"]:  # migrated but not seeded yet
        return _shipped()
    declared = [
        (row["name"], row["category"], row["on_request"])
        for row in newest.content["cookies"]
        if row["kind"] == Cookie.Kind.COOKIE
    ]
    asked: dict[str, int] = {}
    for number, slugs in Notice.objects.order_by("version").values_list("version", "asks_again").distinct():
        asked |= dict.fromkeys(slugs, number)
    ordered = sorted(newest.content["categories"], key=lambda row: (row["position"], row["slug"]))
    return _snapshot(ordered, declared, asked)


def read_in_force() -> InForce:
    """As `in_force`, read now: for what is published from it."""
    newest = RegistryVersion.objects.newest()
    if newest is None:
        return InForce([], 0, "", None)
    # Of two checks of the same contents the newest says how things are; one that found differences is no good news.
    check = RegistryCheck.objects.filter(sha256=newest.sha256).order_by("-checked_at").first()
    checked = check if check is not None and not check.differences else None
    return InForce(drafting.rows(newest.content), newest.number, newest.sha256, checked)


def _shipped() -> Snapshot:
    declared = [
        (row["name"], row["category"], row.get("on_request", False))
        for row in seeds.COOKIES
        if row.get("kind", Cookie.Kind.COOKIE) == Cookie.Kind.COOKIE
    ]
    return _snapshot(seeds.CATEGORIES, declared, {})


def _snapshot(
    categories: Iterable[dict[str, Any]], declared: Iterable[tuple[str, str, bool]], asked: dict[str, int]
) -> Snapshot:
    bits = {row["slug"]: 1 << row["bit"] for row in categories}
    essential = sum(bits[row["slug"]] for row in categories if row.get("essential"))
    rows = list(declared)
    required = {name: bits[slug] & ~essential for name, slug, _on_request in rows}
    prefixes = {name[:-1]: bit for name, bit in required.items() if name.endswith("*")}
    return Snapshot(
        bits=bits,
        essential=essential,
        off_under_gpc=sum(bits[row["slug"]] for row in categories if row.get("off_under_gpc")),
        asked_since={bits[slug]: number for slug, number in asked.items() if slug in bits},
        exact={name: bit for name, bit in required.items() if not name.endswith("*")},
        prefixes=prefixes,
        prefix_lengths=tuple(sorted({len(prefix) for prefix in prefixes}, reverse=True)),
        on_request=frozenset(name for name, _slug, on_request in rows if on_request),
    )


_held = Remembered(_load, fallback=_shipped)
_shown = Remembered(read_in_force, fallback=lambda: InForce([], 0, "", None))
