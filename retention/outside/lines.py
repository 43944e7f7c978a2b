"""The form of the ledger's lines, and reading them: entries that form a chain, and notes about entries.

What could go wrong: a line that was changed (its digest does not fit), one that is missing (the next one's `prev` does
not fit), or half of one at the end (its act was never committed, because the commit waits for the whole line). Stored
digests depend on every byte of this form: it never changes, a second form would get a name of its own.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from crasme.kit import canonical
from retention.errors import LedgerBroken


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `number` grows and is never used twice; `prev` is the digest of the act before it, "" for the first."""

    number: int
    content: dict[str, Any]
    prev: str
    digest: str
    line: str

    @classmethod
    def made(cls, number: int, content: dict[str, Any], prev: str) -> "Entry":
        whole = content | {"n": number, "prev": prev}
        digest = canonical.digest(whole)
        return cls(number, whole, prev, digest, canonical.canonical(whole | {"digest": digest}))

    @property
    def act(self) -> str:
        return str(self.content["act"])

    @property
    def transaction(self) -> tuple[str, str]:
        """The server with its time line, and the number of the transaction there."""
        return self.content["server"], self.content["xid"]


@dataclass(frozen=True, slots=True)
class Note:
    """What became of entries: `word` is "done" or "void", for the numbers from `first` to `last`."""

    word: str
    first: int
    last: int

    @property
    def line(self) -> str:
        content = {self.word: [self.first, self.last]}
        return canonical.canonical(content | {"digest": canonical.digest(content)})

    @property
    def numbers(self) -> range:
        return range(self.first, self.last + 1)


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of the ledger: the last entry that is certain, those after it whose end is open, and the last number."""

    certain: Entry | None = None
    open: tuple[Entry, ...] = ()
    last_number: int = 0

    @property
    def standing(self) -> list[Entry]:
        """The last certain entry and the open ones, in order."""
        return [*([self.certain] if self.certain else []), *self.open]

    @property
    def head(self) -> Entry | None:
        return self.standing[-1] if self.standing else None


@dataclass(slots=True)
class Reading:
    """What a whole reading of the ledger found; `problem` is empty when the chain is whole."""

    entries: list[Entry] = field(default_factory=list)
    void: int = 0
    notes: int = 0
    problem: str = ""
    torn: bool = False

    @property
    def head(self) -> Entry | None:
        return self.entries[-1] if self.entries else None


def parsed(raw: bytes) -> Entry | Note:
    """LedgerBroken when the line is not one of ours, or its digest does not fit."""
    try:
        content = json.loads(raw)
        digest = content.pop("digest")
        if canonical.digest(content) != digest:
            raise LedgerBroken("A line of the erasure ledger was changed.")
        for word in ("done", "void"):
            if word in content:
                first, last = content[word]
                return Note(word, int(first), int(last))
        return Entry(int(content["n"]), content, str(content["prev"]), digest, raw.decode())
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise LedgerBroken("A line of the erasure ledger cannot be read.") from None


def tail(backwards: Iterable[bytes]) -> Tail:
    """Read from the end, no further than to the last entry that is certain."""
    done: set[int] = set()
    void: set[int] = set()
    found: list[Entry] = []
    last_number = 0
    for raw in backwards:
        line = parsed(raw)
        if isinstance(line, Note):
            (done if line.word == "done" else void).update(line.numbers)
            last_number = max(last_number, line.last)
            continue
        last_number = max(last_number, line.number)
        if line.number in void:
            continue
        if line.number in done:
            return Tail(line, tuple(reversed(found)), last_number)
        found.append(line)
    return Tail(None, tuple(reversed(found)), last_number)


def read(forwards: Iterable[bytes]) -> Reading:
    """Read everything and look whether each entry follows from the one before it."""
    result = Reading()
    pending: list[Entry] = []
    void: set[int] = set()
    done: set[int] = set()
    try:
        for line in map(parsed, forwards):
            if isinstance(line, Note):
                result.notes += 1
                (done if line.word == "done" else void).update(line.numbers)
            else:
                pending.append(line)
    except LedgerBroken as error:
        result.problem = f"{error.message} It is line {len(pending) + result.notes + 1}."
    _chain(result, pending, void, done)
    return result


def _chain(result: Reading, pending: list[Entry], void: set[int], done: set[int]) -> None:
    before = ""
    number = 0
    for entry in pending:
        if entry.number <= number and not result.problem:
            result.problem = f"Entry {entry.number} stands behind entry {number}."
        number = max(number, entry.number)
        if entry.number in void:
            result.void += 1
            if entry.number in done and not result.problem:
                result.problem = f"Entry {entry.number} is noted as done and as void."
            continue
        if entry.prev != before and not result.problem:
            result.problem = f"Something is missing before entry {entry.number}, or was put in."
        before = entry.digest
        result.entries.append(entry)


def notes(word: str, numbers: Iterable[int]) -> list[Note]:
    """What became of these entries, a note for each run of consecutive numbers."""
    return [Note(word, *block) for block in _blocks(numbers)]


def _blocks(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive numbers as (first, last)."""
    first = last = 0
    for number in sorted(numbers):
        if first and number == last + 1:
            last = number
            continue
        if first:
            yield first, last
        first = last = number
    if first:
        yield first, last
