"""Payment card numbers: found in any text, so that none is ever stored (the payment processor keeps them).

What could go wrong: a number in a note, an import or a log line slips through because it is grouped, dashed or typed
in other digits; or honest references are refused all day. So a candidate needs an issuer's prefix, that issuer's
length, a correct check digit, and the shape of a number that stands alone. Measured limit: of random digit strings
with a valid prefix and length one in ten has a correct check digit, whatever the program; that refuses 3% of random
16-digit references, 1 to 2% of 13 and 19 digits, less of others. Give references a letter, and they never are.

What separates groups: spaces and dashes of every width anywhere between groups of a regular size; dots, slashes and
underscores only between groups as printed on cards (4-4-4-4, 4-6-5 …), since elsewhere they mean decimals, dates, IP
addresses and versions. A line break or tab never joins: table cells would.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# (name, lengths, ranges of prefixes). A longer prefix comes before a shorter one that holds it.
ISSUERS: tuple[tuple[str, frozenset[int], tuple[tuple[int, int], ...]], ...] = (
    ("Mir", frozenset(range(16, 20)), ((2200, 2204),)),
    ("Mastercard", frozenset({16}), ((51, 55), (2221, 2720))),
    ("American Express", frozenset({15}), ((34, 34), (37, 37))),
    ("Discover", frozenset(range(16, 20)), ((6011, 6011), (644, 649), (65, 65))),
    ("JCB", frozenset(range(16, 20)), ((3528, 3589),)),
    ("Diners Club", frozenset(range(14, 20)), ((300, 305), (36, 36), (38, 39))),
    ("UnionPay", frozenset(range(16, 20)), ((62, 62),)),
    (
        "Maestro",
        frozenset(range(12, 20)),
        tuple((p, p) for p in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)),
    ),
    ("Visa", frozenset({13, 16, 19}), ((4, 4),)),
)
_PREFIXES = {
    str(prefix): (name, lengths)
    for name, lengths, ranges in ISSUERS
    for low, high in ranges
    for prefix in range(low, high + 1)
}
SHORTEST, LONGEST = 12, 19
PRINTED = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (4, 4, 4), (4, 4, 5), (6, 13), (8, 8)}


@dataclass(frozen=True, slots=True)
class Match:
    """Where a card number stands (`text[start:end]`) and whose it would be. It never holds the number."""

    issuer: str
    length: int
    start: int
    end: int


# --- a fast no -------------------------------------------------------------------------------------------------------
# One pass of bytes.translate and two substring searches settle nearly every text: digits become "0", separators that
# may stand anywhere vanish, and without twelve digits in a row (or two printed groups) there is no card.
_SHAPE = bytes(0x30 if 0x30 <= c <= 0x39 else 0x2E if c in b"._/" else 0x78 for c in range(256))
_GONE = b" -"
_LONG, _DOTTED = b"0" * SHORTEST, b"0000.0000"
_WIDE_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u00ad\u200b-\u200f\u2060\ufeff"
_WIDE_DASHES = "\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d\u30fc"
# Whatever is not ASCII first, then whether it matters: that order lets the engine skip plain text at once.
_EXOTIC = re.compile(rf"[^\x00-\x7f](?<=[\d{_WIDE_SPACES}{_WIDE_DASHES}\uff0e\uff0f\uff3f])")
_DASH = re.compile(rf"[{_WIDE_DASHES}]")
_PLAIN = {"\uff0e": ".", "\uff0f": "/", "\uff3f": "_"}


def may_hold(raw: bytes) -> bool:
    """False when an NDJSON line (or any UTF-8 text) certainly holds no card number; True means: look with `find`."""
    return not raw.isascii() or b"\\u" in raw or _shows_digits(raw)


def _shows_digits(raw: bytes) -> bool:
    shape = raw.translate(_SHAPE, _GONE)
    return _LONG in shape or _DOTTED in shape


def _plain(text: str) -> str:
    """ASCII digits and separators in place of any other script's, one for one, so that positions stay."""
    return text if text.isascii() else _EXOTIC.sub(_plain_character, text)


def _plain_character(found: re.Match[str]) -> str:
    character = found.group()
    if character.isdigit():
        return str(unicodedata.digit(character))
    return _PLAIN.get(character) or ("-" if _DASH.match(character) else " ")


# --- candidates ------------------------------------------------------------------------------------------------------
_RUN = re.compile(r"[0-9](?:(?:[ -]{0,3}|[._/])[0-9]){11,}")
_GROUP = re.compile(r"[0-9]+")
_UUID = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])")


def find(text: str) -> Match | None:
    """The first payment card number in a text, or None."""
    if len(text) < SHORTEST:
        return None
    plain = _plain(text)
    if not _shows_digits(plain.encode("ascii", errors="replace")):
        return None
    structured: list[tuple[int, int]] | None = None
    for run in _RUN.finditer(plain):
        for start, end, issuer in _candidates(plain, run):
            if structured is None:
                structured = list(_structured(plain))
            if not any(low < end and start < high for low, high in structured):
                digits = sum(map(str.isdigit, plain[start:end]))
                return Match(issuer, digits, start, end)
    return None


def _candidates(text: str, run: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    groups = [(found.start(), found.end()) for found in _GROUP.finditer(text, run.start(), run.end())]
    sizes = [end - start for start, end in groups]
    total = len(groups)
    for first in range(total):
        digits = ""
        for last in range(first, total):
            digits += text[groups[last][0] : groups[last][1]]
            if len(digits) > LONGEST:
                break
            if len(digits) < SHORTEST:
                continue
            start, end = groups[first][0], groups[last][1]
            whole = first == 0 and last == total - 1
            if (
                _shaped(text, groups[first : last + 1], tuple(sizes[first : last + 1]), whole)
                and _alone(text, start, end)
                and (issuer := _issuer(digits))
            ):
                yield start, end, issuer


def _shaped(text: str, groups: list[tuple[int, int]], sizes: tuple[int, ...], whole: bool) -> bool:
    if len(sizes) == 1:
        return True
    between = {text[left[1] : right[0]] for left, right in pairwise(groups)}
    if sizes in PRINTED:
        return len(between) == 1 or not between & {".", "/", "_"}
    # Typed digit by digit, in pairs, in threes …: only when it is all there is, or any table of numbers would do.
    regular = len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0]
    return whole and regular and not between & {".", "/", "_"}


def _alone(text: str, start: int, end: int) -> bool:
    """Neither part of a word, of a longer number, of a decimal, nor of an international telephone number."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before and (before[-1].isalnum() or (before[-1] in "-.,/" and before[:-1].isalnum())):
        return False
    if after and (after[0].isalnum() or (after[0] == "-" and after[1:].isalnum())):
        return False
    if re.match(r"[.,]0*[1-9]", text[end : end + 24]):
        return False
    return not (before.endswith("+") and sum(map(str.isdigit, text[start:end])) <= 15)


def _structured(text: str) -> Iterator[tuple[int, int]]:
    for found in _UUID.finditer(text):
        yield found.span()
    for found in _IBAN.finditer(text):
        if _is_iban(found.group().replace(" ", "")):
            yield found.span()


def _is_iban(text: str) -> bool:
    return 15 <= len(text) <= 34 and int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def _issuer(digits: str) -> str:
    for width in (4, 3, 2, 1):
        name, lengths = _PREFIXES.get(digits[:width], ("", frozenset()))
        if len(digits) in lengths:
            return name if luhn(digits) else ""
    return ""


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others. Source: ISO/IEC 7812-1, annex B."""
    odd = sum(map(int, digits[-1::-2]))
    return (odd + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


# --- structures ------------------------------------------------------------------------------------------------------
def find_in(value: Any) -> Match | None:
    """`find` in a string, or in anything that JSON can hold: keys and values of any depth, whole numbers included."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            if len(part) >= SHORTEST and (found := find(part)):
                return found
        elif isinstance(part, Mapping):
            pending += part
            pending += part.values()
        elif isinstance(part, list | tuple | set | frozenset):
            pending += part
        elif isinstance(part, int | float) and (found := find(_digits(part))):
            return found
    return None


def _digits(number: float) -> str:
    """A whole number as it would be typed; a spreadsheet hands a card number over as 4.1e15."""
    if not 10 ** (SHORTEST - 1) <= abs(number) < 10**LONGEST or number != int(number):
        return ""
    return str(abs(int(number)))
