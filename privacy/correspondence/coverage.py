"""Which letters have texts of the company's own, in which languages: one table over the whole catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ValidationError

from privacy.correspondence.catalogue import CATALOGUE, Entry
from privacy.correspondence.checking import check
from privacy.models import Letter, Request


@dataclass(frozen=True, slots=True)
class Cell:
    """One language. `broken`: the text in force does not fit the letter any more, and its mails are parked."""

    language: str
    active: Letter | None = None
    draft: Letter | None = None
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The texts for one kind of request, or ("") for every kind."""

    kind: str
    kind_name: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Shelf:
    entry: Entry
    rows: list[Row] = field(default_factory=list)

    @property
    def kind_names(self) -> list[str]:
        return [str(Request.Kind(kind).label) for kind in self.entry.kinds]


def shelves() -> list[Shelf]:
    """Every letter in the catalogue's order, in one query. Each has its row for every kind."""
    rows = Letter.objects.filter(state__in=(Letter.State.ACTIVE, Letter.State.DRAFT))
    found = {(row.template, row.kind, row.language, row.state): row for row in rows}
    return [Shelf(entry, list(_rows(entry, found))) for entry in CATALOGUE.values()]


def _rows(entry: Entry, found: dict[tuple[str, str, str, str], Letter]) -> Iterator[Row]:
    for kind, name in (("", ""), *Request.Kind.choices):
        cells = [_cell(entry, kind, language, found) for language, _name in settings.LANGUAGES]
        if not kind or any(cell.active or cell.draft for cell in cells):
            yield Row(kind, str(name), cells)


def _cell(entry: Entry, kind: str, language: str, found: dict[tuple[str, str, str, str], Letter]) -> Cell:
    active, draft = (
        found.get((entry.name, kind, language, state)) for state in (Letter.State.ACTIVE, Letter.State.DRAFT)
    )
    return Cell(language, active, draft, broken=active is not None and not fits(active))


def fits(letter: Letter) -> bool:
    """Whether the letter can still be sent in this text."""
    try:
        check(CATALOGUE[letter.template], letter.subject, letter.body)
    except (KeyError, ValidationError):
        return False
    return True
