"""What differs between two versions of the registry, and about which categories visitors must be asked again.

A choice was made about recipients, purposes and how long something stays. More of any of these was never agreed to, so
the categories that it touches are asked anew; a corrected spelling asks nobody. Whether a reworded purpose says
something else only a person can tell: such a change asks again unless somebody says, on record, that it means the same.

What could go wrong: a new recipient slips through as a small edit. So everything that is not known to be harmless asks.

Source: GDPR Art. 4(11) and 6(1)(a) (consent is specific to purposes), Art. 13(1)(e) and 13(2)(a) (recipients, period).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from consent.drafting import Content
from consent.models.registry import CLOCK
from crasme.kit.calendar import Period


class Kind(TextChoices):
    CATEGORY = "category", _("new category")
    RECIPIENT = "recipient", _("new recipient")
    PURPOSE = "purpose", _("new purpose")
    LONGER = "longer", _("longer life")
    WIDER = "wider", _("seen by more hosts or without asking")
    REWORDED = "reworded", _("purpose in other words")
    WORDING = "wording", _("wording")
    LESS = "less", _("less than before")


ASKS: Final = frozenset({Kind.CATEGORY, Kind.RECIPIENT, Kind.PURPOSE, Kind.LONGER, Kind.WIDER})
# Words that turn a sentence round, however little else changes.
_TURNING: Final = frozenset("no not never none nor only all any every each without except unless more and or".split())  # noqa: SIM905
_ALIKE: Final = 0.75
_FOR_EVER: Final = 10**9


@dataclass(frozen=True, slots=True)
class Change:
    """`touches` are slugs of categories; `key` names this change among the others of the same two versions."""

    kind: Kind
    what: str
    field: str
    before: str
    after: str
    touches: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.what}:{self.field}"

    @property
    def asks(self) -> bool:
        return self.kind in ASKS and bool(self.touches)

    @property
    def open(self) -> bool:
        """Whether a person has to say that it means the same, if nobody is to be asked."""
        return self.kind is Kind.REWORDED and bool(self.touches)

    def plain(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value, "what": self.what, "field": self.field,
            "before": self.before, "after": self.after, "touches": list(self.touches),
        }  # fmt: skip


def between(old: Content, new: Content) -> list[Change]:
    """Every difference, the gravest first."""
    found = [*_categories(old, new), *_services(old, new), *_cookies(old, new)]
    return sorted(found, key=lambda change: (list(Kind).index(change.kind), change.what, change.field))


def asked_by(changes: Iterable[Change], *, same_meaning: Iterable[str] = ()) -> list[str]:
    """The categories to ask about; `same_meaning` holds keys of reworded texts that somebody vouches for."""
    vouched = set(same_meaning)
    return sorted({
        slug
        for change in changes
        if change.asks or (change.open and change.key not in vouched)
        for slug in change.touches
    })  # fmt: skip


def is_slip(before: str, after: str) -> bool:
    """Whether two texts differ by spelling, capitals, blanks or punctuation alone."""
    old, new = _words(before), _words(after)
    if old == new:
        return True
    if len(old) != len(new):
        return False
    differing = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
    return len(differing) * 5 <= max(5, len(old)) and all(
        not {one, other} & _TURNING
        and not any(sign.isdigit() for sign in one + other)
        and SequenceMatcher(None, one, other).ratio() >= _ALIKE
        for one, other in differing
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _seconds(lifetime: str) -> int:
    if found := re.fullmatch(CLOCK, lifetime):
        return int(found[1]) * (3600 if found[2] == "H" else 60)
    if lifetime in ("session", "persistent"):
        return 0 if lifetime == "session" else _FOR_EVER
    period = Period.parse(lifetime)
    return (period.months * 31 + period.days) * 86400


def _by(rows: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[name] for name in names): row for row in rows}


def _optional(content: Content) -> set[str]:
    return {row["slug"] for row in content["categories"] if not row["essential"]}


def _categories(old: Content, new: Content) -> Iterator[Change]:
    former, present = _by(old["categories"], "slug"), _by(new["categories"], "slug")
    for key, row in present.items():
        slug = row["slug"]
        touches = () if row["essential"] else (slug,)
        if (was := former.get(key)) is None:
            yield Change(Kind.CATEGORY, slug, "", "", row["title"], touches)
            continue
        yield from _texts(was, row, slug, ("purpose",), touches)
        yield from _texts(was, row, slug, ("title",), ())
        if was["off_under_gpc"] != row["off_under_gpc"]:
            kind = Kind.WIDER if was["off_under_gpc"] else Kind.LESS
            yield Change(kind, slug, "off_under_gpc", str(was["off_under_gpc"]), str(row["off_under_gpc"]), touches)
    for key in former.keys() - present.keys():
        yield Change(Kind.LESS, key[0], "", former[key]["title"], "")


def _services(old: Content, new: Content) -> Iterator[Change]:
    former, present = _by(old["services"], "slug"), _by(new["services"], "slug")
    for key, row in present.items():
        if (was := former.get(key)) is None:
            continue  # its cookies say what it means for whom
        used = {cookie["category"] for cookie in new["cookies"] if cookie["service"] == row["slug"]}
        touches = tuple(sorted(used & _optional(new)))
        for name in ("provider", "controller", "recipient"):
            if was[name] != row[name]:
                slip = name != "recipient" and is_slip(was[name], row[name])  # a slug names somebody, letter by letter
                kind = Kind.RECIPIENT if row[name] and not slip else Kind.WORDING
                yield Change(kind, row["slug"], name, was[name], row[name], touches if kind in ASKS else ())
        yield from _texts(was, row, row["slug"], ("name", "policy_url"), ())


def _cookies(old: Content, new: Content) -> Iterator[Change]:
    keys = ("name", "kind", "domain", "path")
    former, present = _by(old["cookies"], *keys), _by(new["cookies"], *keys)
    optional = _optional(new)
    for key, row in present.items():
        touches = (row["category"],) if row["category"] in optional else ()
        if (was := former.get(key)) is None:
            yield from _declared(row, old, new, touches)
            continue
        yield from _edited(was, row, old, new, touches)
        yield from _texts(was, row, row["name"], ("purpose",), touches)
    for key in former.keys() - present.keys():
        if not any(row["name"] == key[0] and row["kind"] == key[1] for row in present.values()):
            yield Change(Kind.LESS, key[0], "", former[key]["category"], "")


def _edited(
    was: dict[str, Any], row: dict[str, Any], old: Content, new: Content, touches: tuple[str, ...]
) -> Iterator[Change]:
    if was["category"] != row["category"]:
        yield Change(Kind.PURPOSE, row["name"], "category", was["category"], row["category"], touches)
    if was["service"] != row["service"]:
        kind = Kind.RECIPIENT if _recipient(new, row) not in _recipients(old, row["category"]) else Kind.WORDING
        yield Change(kind, row["name"], "service", was["service"], row["service"], touches)
    if was["party"] != row["party"]:
        kind = Kind.RECIPIENT if row["party"] == "third" else Kind.LESS
        yield Change(kind, row["name"], "party", was["party"], row["party"], touches)
    if was["lifetime"] != row["lifetime"]:
        kind = Kind.LONGER if _seconds(row["lifetime"]) > _seconds(was["lifetime"]) else Kind.LESS
        yield Change(kind, row["name"], "lifetime", was["lifetime"], row["lifetime"], touches)
    for name, wider in (("on_request", True), ("http_only", False)):
        if was[name] != row[name]:
            kind = Kind.WIDER if row[name] is wider else Kind.LESS
            yield Change(kind, row["name"], name, str(was[name]), str(row[name]), touches)


def _declared(row: dict[str, Any], old: Content, new: Content, touches: tuple[str, ...]) -> Iterator[Change]:
    """A cookie that was not there, or stands on another host or path: what its category never had before."""
    theirs = [each for each in old["cookies"] if each["category"] == row["category"]]
    grave = False
    for kind, is_new in (
        (Kind.RECIPIENT, _recipient(new, row) not in _recipients(old, row["category"])),
        (Kind.PURPOSE, not any(is_slip(each["purpose"], row["purpose"]) for each in theirs)),
        (Kind.LONGER, all(_seconds(each["lifetime"]) < _seconds(row["lifetime"]) for each in theirs)),
        (Kind.WIDER, bool(row["domain"]) and all(each["domain"] != row["domain"] for each in theirs)),
    ):
        if is_new:
            grave = True
            after = {
                Kind.RECIPIENT: row["service"], Kind.PURPOSE: row["purpose"],
                Kind.LONGER: row["lifetime"], Kind.WIDER: row["domain"],
            }[kind]  # fmt: skip
            yield Change(kind, row["name"], "", "", after, touches)
    if not grave:
        yield Change(Kind.WORDING, row["name"], "", "", row["purpose"])


def _recipient(content: Content, cookie: dict[str, Any]) -> tuple[str, str, str]:
    service = next(each for each in content["services"] if each["slug"] == cookie["service"])
    return service["provider"], service["controller"], service["recipient"]


def _recipients(content: Content, category: str) -> set[tuple[str, str, str]]:
    return {_recipient(content, cookie) for cookie in content["cookies"] if cookie["category"] == category}


def _texts(
    was: dict[str, Any], row: dict[str, Any], what: str, names: tuple[str, ...], touches: tuple[str, ...]
) -> Iterator[Change]:
    """English first, then staff's translations; a text that only appears in a language is a translation."""
    languages = sorted({*was["translations"], *row["translations"]})
    for name in names:
        pairs = [(name, was[name], row[name])]
        pairs += [
            (
                f"{name}.{code}",
                was["translations"].get(code, {}).get(name, ""),
                row["translations"].get(code, {}).get(name, ""),
            )
            for code in languages
        ]
        for field, before, after in pairs:
            if before == after:
                continue
            slip = not touches or not before or not after or is_slip(before, after)
            yield Change(Kind.WORDING if slip else Kind.REWORDED, what, field, before, after, () if slip else touches)
