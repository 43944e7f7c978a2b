"""The form in which staff write a letter: paragraphs, lists of lines that begin with "* ", and placeholders in braces.

What could go wrong: text that is half a program. There is nothing to evaluate here: a brace is part of a placeholder or
it is an error, and a placeholder is a name. Reading is exact: what was read can be written again, character for
character, apart from blanks at the ends of lines, kinds of line ends and kinds of bullets (`tidy`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crasme.kit.text import problem

_BRACES = re.compile(r"\{([^{}\n]*)\}|[{}]")
_BULLET = re.compile(r"^[-•*]\s+(?=\S)")
# Line ends that only some programs know, and overrides that show text in another order than it is stored.
_UNSEEN = re.compile("[\u2028\u2029\u202d\u202e]")


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder where it stands; line and column count from 1."""

    name: str
    line: int
    column: int


Piece = str | Slot


@dataclass(frozen=True, slots=True)
class Line:
    pieces: tuple[Piece, ...]
    bullet: bool = False

    @property
    def slots(self) -> list[Slot]:
        return [piece for piece in self.pieces if isinstance(piece, Slot)]

    @property
    def alone(self) -> str:
        """The name of the placeholder that is all there is on this line, or ""."""
        first, *rest = self.pieces
        return first.name if isinstance(first, Slot) and not rest and not self.bullet else ""

    def source(self) -> str:
        text = "".join(piece if isinstance(piece, str) else f"{{{piece.name}}}" for piece in self.pieces)
        return f"* {text}" if self.bullet else text


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two empty lines."""

    lines: tuple[Line, ...]

    @property
    def slots(self) -> list[Slot]:
        return [slot for line in self.lines for slot in line.slots]

    def source(self) -> str:
        return "\n".join(line.source() for line in self.lines)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that cannot stand there. `what` never quotes the text."""

    line: int
    column: int
    what: str | Promise


class Unreadable(ValueError):
    """Every fault of a text, in its order."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


def tidy(text: str) -> str:
    """The one form in which a text is stored and compared."""
    lines = [_BULLET.sub("* ", line.strip()) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = [line for before, line in pairwise(["", *lines]) if line or before]
    return "\n".join(kept).strip()


def read(text: str) -> list[Block]:
    """The blocks of a tidied text. Unreadable names every fault."""
    text = tidy(text)
    faults = list(_faults(text))
    if faults:
        raise Unreadable(faults)
    blocks: list[list[Line]] = [[]]
    for number, line in enumerate(text.split("\n"), start=1):
        if line:
            blocks[-1].append(_line(line, number))
        else:
            blocks.append([])
    return [Block(tuple(lines)) for lines in blocks if lines]


def write(blocks: list[Block]) -> str:
    return "\n\n".join(block.source() for block in blocks)


def _faults(text: str) -> Iterator[Fault]:
    for number, line in enumerate(text.split("\n"), start=1):
        if problem(line) or _UNSEEN.search(line):
            column = next(place for place, sign in enumerate(line, start=1) if problem(sign) or _UNSEEN.fullmatch(sign))
            yield Fault(number, column, _("an invisible control character"))
        for found in _BRACES.finditer(line):
            if found[1] is None or not found[1].strip():
                yield Fault(number, found.start() + 1, _("a brace that belongs to no placeholder"))


def _line(line: str, number: int) -> Line:
    bullet = line.startswith("* ")
    begin = 2 if bullet else 0
    pieces: list[Piece] = []
    for found in _BRACES.finditer(line, begin):
        if found.start() > begin:
            pieces.append(line[begin : found.start()])
        pieces.append(Slot(found[1], number, found.start() + 1))
        begin = found.end()
    if begin < len(line):
        pieces.append(line[begin:])
    return Line(tuple(pieces), bullet)
