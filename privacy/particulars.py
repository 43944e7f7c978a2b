"""What is asked beside the wish itself: the questions of each kind, and the codes in which the answers are stored.

What could go wrong: somebody's words in a column of codes, or a code that nobody can read any more. The form offers
these answers and no others, stores their codes in `Request.facts`, and the desk shows their words from here. A request
by mail or telephone may have no particulars: whoever acts on them decides what silence means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from privacy.models import Request

Kind = Request.Kind


@dataclass(frozen=True, slots=True)
class Answer:
    words: Promise
    explanation: Promise | str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """`name` is the key in `Request.facts`; `answers` are by code. `chosen` is the code that stands there already."""

    name: str
    words: Promise
    answers: Mapping[str, Answer]
    many: bool = False
    needed: bool = False
    chosen: str = ""
    # Codes that say nothing without the person's own words.
    in_words: frozenset[str] = field(default_factory=frozenset)


SCOPE = Question(
    "scope",
    _("Which mail do you not want?"),
    {
        "all": Answer(_("All marketing")),
        "announcements": Answer(_("Announcements of products")),
        "features": Answer(_("News about features")),
    },
    chosen="all",
)
GROUND = Question(
    "ground",
    _("Why?"),
    # Source: GDPR Art. 18(1), points (a) to (d).
    {
        "accuracy": Answer(_("The data is wrong"), _("Until it has been checked.")),
        "unlawful": Answer(_("It is used unlawfully"), _("And I would rather have it restricted than deleted.")),
        "claims": Answer(_("I need it for a legal claim"), _("Although you have no use for it any more.")),
        "objection": Answer(_("I have objected to a use"), _("Until it is decided whose reasons weigh more.")),
        "words": Answer(_("Something else"), _("Say it in your own words below.")),
    },
    in_words=frozenset({"words"}),
)
PURPOSE = Question(
    "purpose",
    _("Which use should end?"),
    {
        "marketing": Answer(_("Marketing"), _("Takes effect at once.")),
        "improvement": Answer(_("Analysis of how I use the product"), _("A colleague decides.")),
        "other": Answer(_("Another use"), _("Say which one in your own words below.")),
    },
    needed=True,
    in_words=frozenset({"other"}),
)
CONSENTS = Question(
    "what",
    _("Which consent do you take back?"),
    {
        "marketing": Answer(_("Marketing mail")),
        "services": Answer(_("Connected services"), _("They are disconnected, and what they brought is removed.")),
        "cookies": Answer(_("Cookies"), _("We tell you how to change the choice in your browsers.")),
    },
    many=True,
    needed=True,
)

QUESTIONS: dict[str, tuple[Question, ...]] = {
    Kind.OPT_OUT: (SCOPE,),
    Kind.RESTRICTION: (GROUND,),
    Kind.OBJECTION: (PURPOSE,),
    Kind.WITHDRAWAL: (CONSENTS,),
}


def questions_of(kind: str) -> tuple[Question, ...]:
    return QUESTIONS.get(kind, ())


def chosen(facts: Mapping[str, Any], question: Question) -> frozenset[str]:
    """The codes that were ticked; none when the particulars are silent or hold what nobody offered."""
    value = facts.get(question.name)
    given = value if isinstance(value, list | tuple) else [value]
    return frozenset(code for code in given if isinstance(code, str) and code in question.answers)


def codes(kind: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What of `facts` answers a question of this kind, in the form in which it is stored."""
    kept: dict[str, Any] = {}
    for question in questions_of(kind):
        given = chosen(facts, question)
        if given:
            kept[question.name] = [code for code in question.answers if code in given] if question.many else min(given)
    return kept


def in_words(request: Request) -> list[tuple[Promise, list[Promise]]]:
    """Each question of the request's kind that was answered, with the words of its answers."""
    return [
        (question.words, [question.answers[code].words for code in question.answers if code in codes])
        for question in questions_of(request.kind)
        if (codes := chosen(request.facts, question))
    ]
