"""The registry as the middleware and the pages read it: a frozen picture of the rows, held in the process.

What could go wrong: a process goes on with yesterday's rows (for half a minute at most, see `consent.remembered`), or
the rows cannot be read at all: then what ships with the program is what counts, so that signing in still works and
nothing else gets through.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from consent import seeds
from consent.models import Category, Cookie, Notice, Service
from consent.remembered import Remembered


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

    @property
    def everything(self) -> int:
        return sum(self.bits.values())

    def needs(self, name: str) -> int | None:
        """The bit that a cookie of this name needs; None when nobody declared it."""
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


def forget() -> None:
    """The next reader in this process sees the rows as they are now."""
    _held.forget()


def forget_after_commit() -> None:
    transaction.on_commit(forget)


def version() -> str:
    """SHA-256 in hex of what the registry says: equal contents, equal versions, whoever typed them."""
    content = {
        "categories": _rows(Category, "slug", "essential", "off_under_gpc", "title", "purpose", "translations"),
        "services": _rows(Service, "slug", "name", "provider", "recipient", "policy_url", "translations"),
        "cookies": _rows(
            Cookie,
            *("kind", "name", "domain", "path", "service__slug", "category__slug", "lifetime", "purpose", "party"),
            *("http_only", "on_request", "translations"),
        ),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _rows(model: type[Category] | type[Service] | type[Cookie], *fields: str) -> list[list[Any]]:
    """Ordered by the first fields, which are unique together."""
    return [list(row) for row in model._default_manager.order_by(*fields[:4]).values_list(*fields)]


def _load() -> Snapshot:
    categories: list[Any] = list(Category.objects.values("slug", "bit", "essential", "off_under_gpc"))
    if not categories:  # migrated but not seeded yet
        return _shipped()
    declared = Cookie.objects.filter(kind=Cookie.Kind.COOKIE).values_list("name", "category__slug", "on_request")
    asked: dict[str, int] = {}
    for number, slugs in Notice.objects.order_by("version").values_list("version", "asks_again").distinct():
        asked |= dict.fromkeys(slugs, number)
    return _snapshot(categories, declared, asked)


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
