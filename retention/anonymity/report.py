"""What a check of anonymity measured and found, as JSON takes it and as people read it.

Figures and names of columns only: no value of any row is in a report, for it is kept with the run.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from django.utils.translation import gettext as _, ngettext


class Question(StrEnum):
    """The three of WP216."""

    SINGLE_OUT = "single-out"
    LINK = "link"
    INFER = "infer"

    @property
    def words(self) -> str:
        return {
            Question.SINGLE_OUT: _("Can somebody be singled out?"),
            Question.LINK: _("Can rows be linked to somebody?"),
            Question.INFER: _("Can something be inferred about somebody?"),
        }[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """What still makes rows somebody's: `column` (or several, with commas), `rows` concerned, `where` it leads."""

    question: Question
    code: str
    column: str
    rows: int = 0
    where: str = ""

    def words(self) -> str:
        """What is wrong, and the remedy."""
        rows = self.rows
        said = {
            "small-class": ngettext(
                "%(rows)s row shares its values with too few others: make one of these columns coarser or blank it.",
                "%(rows)s rows share their values with too few others: make one of these columns coarser or blank it.",
                rows,
            ),
            "rare-value": ngettext(
                "%(rows)s row has a rare value in a column that was called harmless: blank it, or count it among those"
                " that single out.",
                "%(rows)s rows have a rare value in a column that was called harmless: blank it, or count it among"
                " those that single out.",
                rows,
            ),
            "unclassified": _(
                "It stays, and nobody has decided what it tells: blank it, or classify it in the rule's decision."
            ),
            "review-overdue": _("The decision on anonymity is overdue for review: draft the rule anew."),
            "stable-key": _(
                "It still identifies the same row elsewhere, as in a backup: renew it (id:fresh), or delete the rows."
            ),
            "led-to": _("Rows of %(where)s still lead to it: renew it, or delete the rows."),
            "held-back": ngettext(
                "%(rows)s row keeps it, because the rule %(where)s still needs it: let this period be no shorter.",
                "%(rows)s rows keep it, because the rule %(where)s still needs it: let this period be no shorter.",
                rows,
            ),
            "link-kept": _("It still leads to %(where)s: unlink it, or delete the rows."),
            "same-value": ngettext(
                "%(rows)s row has a rare value that stands in %(where)s as well: blank it or make it coarser.",
                "%(rows)s rows have a rare value that stands in %(where)s as well: blank it or make it coarser.",
                rows,
            ),
            "reversible": ngettext(
                "%(rows)s row can be found by putting known values through the same function: it hides nothing."
                " Blank it or make it coarser.",
                "%(rows)s rows can be found by putting known values through the same function: it hides nothing."
                " Blank it or make it coarser.",
                rows,
            ),
            "found-again": _(
                "Whoever knows what a row said takes the nearest one for it, and is right more often than the decision"
                " allows: make it coarser, or blank it."
            ),
            "skewed": ngettext(
                "%(rows)s row is in a class whose values of it are unlike those of all rows: make the classes larger,"
                " or blank it.",
                "%(rows)s rows are in classes whose values of it are unlike those of all rows: make the classes larger,"
                " or blank it.",
                rows,
            ),
            "homogeneous": ngettext(
                "%(rows)s row is in a class that tells its value: make the classes larger, or blank it.",
                "%(rows)s rows are in classes that tell its value: make the classes larger, or blank it.",
                rows,
            ),
        }[self.code]
        return said % {"rows": f"{self.rows:,}", "where": self.where}


@dataclass(frozen=True, slots=True)
class Figures:
    """`smallest` is k: the fewest people who share all declared columns (rows, where these do not say whose they are).
    `unique` rows share them with nobody else's, `below` ones with fewer people than the decision's k. `diversity` is
    the fewest values of a sensitive column in a class; `distance` how far, 0 to 1, the class that is least like all
    rows is from them in one (total variation: the share of rows that would have to have another value)."""

    rows: int = 0
    classes: int = 0
    smallest: int = 0
    unique: int = 0
    below: int = 0
    diversity: int = 0
    distance: float = 0.0

    @property
    def uniqueness(self) -> float:
        """The share of rows that are alone with their values, 0 to 1."""
        return self.unique / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Search:
    """How often the nearest row is the right person's, 0 to 1, for `tried` rows: by the columns that others may know
    alone, which is guessing within a class; by all that stays, known exactly or roughly. `most` is what the decision
    allows. `originals` when the rows tried still said what they said before the rule."""

    tried: int = 0
    guessed: float = 0.0
    exactly: float = 0.0
    roughly: float = 0.0
    most: float = 1.0
    originals: bool = False

    def words(self) -> str:
        said = ngettext(
            "Of %(tried)s row tried, whoever knows all that stays of it finds %(exactly)s again (%(roughly)s when it is"
            " known roughly, %(guessed)s by guessing within its class); at most %(most)s may be.",
            "Of %(tried)s rows tried, whoever knows all that stays of one finds %(exactly)s again (%(roughly)s when it"
            " is known roughly, %(guessed)s by guessing within its class); at most %(most)s may be.",
            self.tried,
        )
        shares = ("guessed", "exactly", "roughly", "most")
        return said % ({name: f"{getattr(self, name):.0%}" for name in shares} | {"tried": f"{self.tried:,}"})


@dataclass(frozen=True, slots=True)
class Report:
    before: Figures
    after: Figures
    findings: tuple[Finding, ...] = ()
    search: Search | None = None  # None when there was nothing to search, or before there was one

    @property
    def anonymous(self) -> bool:
        return not self.findings

    def words(self) -> str:
        if self.anonymous and not self.after.rows:
            return _("no rows to measure")
        return _("anonymous by every check") if self.anonymous else _("not anonymous")

    def lines(self) -> list[str]:
        """The same with what was searched and what was found, a sentence each."""
        searched = [self.search.words()] if self.search is not None else []
        return [self.words(), *searched, *(f"{found.column}: {found.words()}" for found in self.findings)]

    def by_question(self) -> list[tuple[Question, list[Finding]]]:
        return [(each, [found for found in self.findings if found.question is each]) for each in Question]

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        findings = tuple(Finding(**found | {"question": Question(found["question"])}) for found in stored["findings"])
        search = Search(**searched) if (searched := stored.get("search")) else None
        return cls(Figures(**stored["before"]), Figures(**stored["after"]), findings, search)
