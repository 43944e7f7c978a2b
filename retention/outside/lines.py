"""The form of the ledger's lines, and reading them: entries that form a chain, and notes about entries.

What could go wrong: a line that was changed (its digest does not fit), one that is missing (the next one's `prev` does
not fit), or half of one at the end (its act was never committed, because the commit waits for the whole line). Stored
digests depend on every byte of this form: it never changes, a second form would get a name of its own.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crasme.kit import canonical
from retention.errors import LedgerBroken

WIDEST = 1_000_000  # entries that one note may name


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
        digest, line = _signed(whole)
        return cls(number, whole, prev, digest, line)

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
        return _signed({self.word: [self.first, self.last]})[1]

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

    entries: int = 0  # that stand
    head: Entry | None = None
    void: int = 0
    notes: int = 0
    problem: str = ""
    torn: bool = False


def _signed(content: dict[str, Any]) -> tuple[str, str]:
    """The digest of a line's content, and the line: `content` with its digest, in canonical form."""
    digest = canonical.digest(content)
    return digest, canonical.canonical(content | {"digest": digest})


def parsed(raw: bytes) -> Entry | Note:
    """LedgerBroken when the line is not one of ours, or its digest does not fit."""
    try:
        content = json.loads(raw)
        digest = content.pop("digest")
        if canonical.digest(content) != digest:
            raise LedgerBroken(_("A line of the erasure ledger was changed."))
        for word in ("done", "void"):
            if word in content:
                first, last = map(int, content[word])
                if last - first >= WIDEST:
                    raise LedgerBroken(_("A note of the erasure ledger names more entries than an act has."))
                return Note(word, first, last)
        return Entry(int(content["n"]), content, str(content["prev"]), digest, raw.decode())
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise LedgerBroken(_("A line of the erasure ledger cannot be read.")) from None


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


def read(forwards: Iterable[bytes], each: Callable[[Entry], None] = lambda entry: None) -> Reading:
    """Read everything, look whether each entry follows from the one before it, and give those that stand to `each`.

    Of what is read only the entries stay in memory of which no note was read yet: those of one act, as a rule.
    """
    result = Reading()
    for entry in standing(forwards, result):
        each(entry)
    return result


def standing(forwards: Iterable[bytes], result: Reading) -> Iterator[Entry]:
    """The entries that are not void, in order; `result` is complete with the last one.

    An entry that is void is noted so before the next one is written: what stands before a certain one is certain too.
    """
    chain = _Chain(result)
    number = 0
    try:
        for number, line in enumerate(map(parsed, forwards), 1):  # noqa: B007  (it says where the reading stopped)
            if isinstance(line, Entry):
                chain.add(line)
            elif line.word == "void":
                chain.void(line)
            else:
                yield from chain.done(line)
    except LedgerBroken as error:
        result.problem = result.problem or f"{error.message} It is line {number + 1}."
    yield from chain.rest()


class _Chain:
    """The entries whose end was not read yet, and whether each that stands follows from the one before."""

    def __init__(self, result: Reading) -> None:
        self._result = result
        self._open: dict[int, Entry] = {}
        self._void: set[int] = set()
        self._last, self._certain = 0, 0

    def add(self, entry: Entry) -> None:
        if entry.number <= self._last:
            self._says(f"Entry {entry.number} stands behind entry {self._last}.")
        self._last = max(self._last, entry.number)
        self._open[entry.number] = entry

    def void(self, note: Note) -> None:
        self._result.notes += 1
        for number in note.numbers:
            if self._open.pop(number, None) is not None:
                self._result.void += 1
                self._void.add(number)
            elif number <= self._certain and number not in self._void:
                self._says(f"Entry {number} is noted as done and as void.")

    def done(self, note: Note) -> Iterator[Entry]:
        self._result.notes += 1
        if twice := next((number for number in note.numbers if number in self._void), None):
            self._says(f"Entry {twice} is noted as done and as void.")
        while self._open and (number := next(iter(self._open))) <= note.last:
            yield self._stands(self._open.pop(number))
        self._certain = max(self._certain, note.last)

    def rest(self) -> Iterator[Entry]:
        """Those whose end is open."""
        while self._open:
            yield self._stands(self._open.pop(next(iter(self._open))))

    def _stands(self, entry: Entry) -> Entry:
        if entry.prev != (self._result.head.digest if self._result.head else ""):
            self._says(f"Something is missing before entry {entry.number}, or was put in.")
        self._result.head = entry
        self._result.entries += 1
        return entry

    def _says(self, problem: str) -> None:
        self._result.problem = self._result.problem or problem


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
