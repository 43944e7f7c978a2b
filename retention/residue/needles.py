"""What is searched for, and whether a text holds it.

An e-mail address is found where it stands as an address of its own, in any letter case: "ana@customer.example" is in
"mailto:ana@customer.example." and not in "joana@customer.example", which is somebody else. Everything else (names,
numbers, addresses of an unusual form) is found anywhere inside a text.

What could go wrong: an address that stands behind an escape, as in the JSON text "\\nana@…", looks like another one;
so texts are read with their escapes and without, and so on.
"""

import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import ngettext

from retention.errors import TooShortToSearch

SHORTEST = 4
# Letters, digits and . _ + - can be part of an address; anything else ends it.
ADDRESS = re.compile(r"[^\W_](?:[\w.+-]*[^\W_])?@[^\W_](?:[\w.-]*[^\W_])?", re.ASCII)
_AROUND_AT = re.compile(r"([\w.+-]*)@(?=([\w.-]*))")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_EDGE = "._+-"
DEEPEST = 4
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Needles[K: Hashable]:
    """Whoever is searched for, by what they are searched for: `addresses` (ASCII, in lower case) and `others`."""

    addresses: Mapping[str, frozenset[K]] = field(repr=False)
    others: Mapping[str, frozenset[K]] = field(repr=False)

    @classmethod
    def of(cls, wanted: Mapping[K, Iterable[str]]) -> "Needles[K]":
        """TooShortToSearch for fewer than 4 characters: that would be found everywhere."""
        whose: dict[str, frozenset[K]] = {}
        for key, identifiers in wanted.items():
            for needle in filter(None, (identifier.strip() for identifier in identifiers)):
                whose[needle] = whose.get(needle, frozenset()) | {key}
        if short := [needle for needle in whose if len(needle) < SHORTEST]:
            raise TooShortToSearch(
                ngettext(
                    "%(number)d of the identifiers has fewer than %(least)d characters.",
                    "%(number)d of the identifiers have fewer than %(least)d characters.",
                    len(short),
                )
                % {"number": len(short), "least": SHORTEST}
            )
        addresses: dict[str, frozenset[K]] = {}
        others: dict[str, frozenset[K]] = {}
        for needle, keys in whose.items():
            kind, name = (addresses, needle.lower()) if ADDRESS.fullmatch(needle) else (others, needle)
            kind[name] = kind.get(name, frozenset()) | keys
        return cls(addresses, others)

    @property
    def shortest(self) -> int:
        return min(map(len, (*self.addresses, *self.others)), default=0)

    def whose(self, text: str) -> set[K]:
        """Who is found in the text."""
        return self.by_address(text) | self.by_other(text)

    def by_address(self, text: str) -> set[K]:
        found: set[K] = set()
        if self.addresses and "@" in text:
            for reading in _readings(text):
                for address in _addresses(reading):
                    found |= self.addresses.get(address, frozenset())
        return found

    def by_other(self, text: str) -> set[K]:
        if not self.others:
            return set()
        folded = text.casefold()
        found = [
            keys
            for needle, keys in self.others.items()
            if any(spelling.casefold() in folded for spelling in spellings(needle))
        ]
        return set().union(*found)


def spellings(needle: str) -> set[str]:
    """The needle, and as it is spelled inside JSON, where quotes and backslashes are escaped."""
    return {needle, json.dumps(needle, ensure_ascii=False)[1:-1]}


def _addresses(text: str) -> Iterator[str]:
    for before, after in _AROUND_AT.findall(text):
        yield f"{before.lstrip(_EDGE)}@{after.rstrip(_EDGE)}".lower()


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and without its escapes, which may hide others: JSON in JSON."""
    yield text
    for _ in range(DEEPEST):
        if "\\" not in text:
            return
        text = _ESCAPE.sub(_meant, text)
        yield text


def _meant(found: re.Match[str]) -> str:
    escaped = found[1]
    return chr(int(escaped[1:], 16)) if len(escaped) > 1 else _CONTROLS.get(escaped, escaped)
