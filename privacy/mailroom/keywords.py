"""Which rights a mail uses, by its own words, in the languages that we answer in.

What could go wrong: "How do I delete a contact?" becomes an erasure, or "please do not delete my data" does. So only
phrases count that speak of the writer's own data or name a right; a "not" before them, or a hint that it is about
somebody else, leaves the decision to a person. And a wish that no phrase here fits is no loss: it goes to a person too.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from privacy.mailroom.phrases import (
    ARTICLE,
    ARTICLES,
    CHILD,
    LAW,
    NOT,
    NOT_BEHIND,
    NOT_INSIDE,
    ON_BEHALF,
    OWN_NO,
    PHRASES,
    PRIVACY,
)
from privacy.models import Request

Kind = Request.Kind


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a text asks for. `doubt` when a person should look although phrases were found; `privacy` when it at least
    speaks of privacy; `on_behalf` or `child` when it may be about somebody else; `language` of the phrases, or ""."""

    kinds: tuple[str, ...] = ()
    language: str = ""
    doubt: bool = False
    on_behalf: bool = False
    child: bool = False
    privacy: bool = False


def read(text: str) -> Wishes:
    """The rights that the words use, in the order of the register; `text` is the writer's own, without quotes."""
    words = folded(text)
    found: dict[str, int] = {}
    kinds, doubt = set[str](), False
    for language, kind, pattern in _patterns():
        for match in pattern.finditer(words):
            if kind not in OWN_NO and _negated(words, match):
                doubt = True
                continue
            kinds.add(kind)
            if language:
                found[language] = found.get(language, 0) + 1
    return Wishes(
        kinds=tuple(kind for kind in Kind.values if kind in kinds),
        language=max(found, key=lambda each: found[each]) if found else "",
        doubt=doubt,
        on_behalf=bool(ON_BEHALF.search(words)),
        child=bool(CHILD.search(words)),
        privacy=bool(kinds or doubt or PRIVACY.search(words)),
    )


def _negated(words: str, match: re.Match[str]) -> bool:
    before, behind = words[max(0, match.start() - 40) : match.start()], words[match.end() : match.end() + 12]
    return bool(NOT.search(before) or NOT_INSIDE.search(match.group()) or NOT_BEHIND.search(behind))


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    phrases = [
        (language, kind, re.compile(rf"(?<!\w)(?:{phrase})"))
        for language, kinds in PHRASES.items()
        for kind, listed in kinds.items()
        for phrase in listed
    ]
    articles = [
        ("", kind, re.compile(rf"{ARTICLE} ?{number}\b.{{0,40}}\b{LAW}|\b{LAW}\b.{{0,20}}{ARTICLE} ?{number}\b"))
        for number, kind in ARTICLES.items()
    ]
    return (*phrases, *articles)


_LONGEST = 20_000
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": None})


def folded(text: str) -> str:
    """One form for every spelling; the first pages only, where a wish stands."""
    plain = unicodedata.normalize("NFKD", text[:_LONGEST].casefold())
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(bare.translate(_ARABIC).split())


# --- which language --------------------------------------------------------------------------------------------------
_COMMON = {
    "en": "the and to of my you is that please for with have your this would are not what me",
    "de": "der die und ich sie mir mein meine bitte mit den ist nicht das ein eine zu wie fur uber von",
    "fr": "le la les et de vous je mes mon est une pour pas que votre dans bonjour merci des me sur",
    "es": "el los las y de que mis por favor para una con usted su es del en gracias hola mi no se",
}
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}


def language_of(text: str) -> str:
    """The likeliest of our languages; "" when the text is too short or in another one."""
    words = re.findall(r"\w+", folded(text)[:4_000])
    if not words:
        return ""
    if sum("\u0600" <= word[0] <= "\u06ff" for word in words) * 2 > len(words):
        return "ar"
    counts = {language: sum(word in common for word in words) for language, common in _WORDS.items()}
    best = max(counts, key=lambda each: counts[each])
    rest = max(count for language, count in counts.items() if language != best)
    return best if counts[best] >= 2 and counts[best] > rest else ""
