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
_NEWLINE = re.compile(r"\r\n?")
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


@dataclass(frozen=True, slots=True)
class _Place:
    """A line in its one form, and where it stood in the text as it was typed: `shift` characters further right."""

    text: str
    number: int
    shift: int


def tidy(text: str) -> str:
    """The one form in which a text is stored and compared."""
    return "\n".join(place.text for place in _lines(text))


def read(text: str) -> list[Block]:
    """The blocks of a text; places are those of the text as typed. Unreadable names every fault."""
    lines = _lines(text)
    faults = [fault for place in lines for fault in _faults(place)]
    if faults:
        raise Unreadable(faults)
    blocks: list[list[Line]] = [[]]
    for place in lines:
        if place.text:
            blocks[-1].append(_line(place))
        else:
            blocks.append([])
    return [Block(tuple(each)) for each in blocks if each]


def _lines(text: str) -> list[_Place]:
    """Without blanks at the ends, without empty lines before, after, or beside another empty line."""
    found = [_place(line, number) for number, line in enumerate(_NEWLINE.sub("\n", text).split("\n"), start=1)]
    kept = [place for before, place in pairwise([_Place("", 0, 0), *found]) if place.text or before.text]
    return kept if not kept or kept[-1].text else kept[:-1]


def _place(line: str, number: int) -> _Place:
    stripped = line.strip()
    text = _BULLET.sub("* ", stripped)
    return _Place(text, number, line.find(stripped) + len(stripped) - len(text))


def write(blocks: list[Block]) -> str:
    return "\n\n".join(block.source() for block in blocks)


def _faults(place: _Place) -> Iterator[Fault]:
    if problem(place.text) or _UNSEEN.search(place.text):
        signs = enumerate(place.text, start=1)
        column = next(number for number, sign in signs if problem(sign) or _UNSEEN.fullmatch(sign))
        yield Fault(place.number, column + place.shift, _("an invisible control character"))
    for found in _BRACES.finditer(place.text):
        if found[1] is None or not found[1].strip():
            column = found.start() + 1 + place.shift
            yield Fault(place.number, column, _("a brace that belongs to no placeholder"))


def _line(place: _Place) -> Line:
    bullet = place.text.startswith("* ")
    begin = 2 if bullet else 0
    pieces: list[Piece] = []
    for found in _BRACES.finditer(place.text, begin):
        if found.start() > begin:
            pieces.append(place.text[begin : found.start()])
        pieces.append(Slot(found[1], place.number, found.start() + 1 + place.shift))
        begin = found.end()
    if begin < len(place.text):
        pieces.append(place.text[begin:])
    return Line(tuple(pieces), bullet)
