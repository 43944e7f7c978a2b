"""What was seen against what is declared, both ways. Pure: no browser, no database.

What could go wrong: a pattern is so wide that it hides a stranger (the longest declared name decides, as in the guard),
a declaration is dead and visitors read of cookies that do not exist (what was never seen needs a reason), a table that
names a shorter life than the cookie has.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from consent.models import Cookie
from consent.models.registry import CLOCK
from consent.scanning.crawl import Seen, State
from crasme.kit.calendar import Period, add

UNDECLARED, UNCONSENTED, UNSEEN = "undeclared", "unconsented", "unseen"
LIFETIME, PATH, DOMAIN, HIDDEN = "lifetime", "path", "domain", "hidden"
THIRD_PARTY, BROKEN = "third-party", "broken"
# Chromium keeps no cookie for longer.
BROWSER_LIMIT: Final = 400.0
# Of the declared life: servers count months differently, and the crawl comes a while after the cookie.
TOLERANCE: Final = 0.1
PROMISED: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is one of the words above; `states` and `routes` are where it was seen."""

    what: str
    kind: str
    name: str
    detail: str
    states: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Declared:
    """A row of the registry in force, as far as a crawl can check it. `unseen` says why none sees it, or nothing."""

    row: Cookie
    category: str
    essential: bool
    unseen: str = ""

    @property
    def needs_no_consent(self) -> bool:
        return self.essential or self.row.on_request

    def covers(self, kind: str, name: str) -> bool:
        if kind != self.row.kind:
            return False
        return name.startswith(self.row.name[:-1]) if self.row.name.endswith("*") else name == self.row.name


def differences(
    seen: Iterable[Seen],
    declared: Collection[Declared],
    states: Collection[State],
    *,
    host: str,
    allowed_origins: Mapping[str, Collection[str]],
) -> list[Difference]:
    """Everything that is not as declared, each once, the gravest first.

    `host` is the crawled site's; `allowed_origins` maps a category to the origins of other sites it may bring.
    """
    granted = {state.name: state.granted for state in states}
    found = _Findings()
    met: set[int] = set()
    for each in seen:
        if each.kind == "broken":
            found.add(BROKEN, each, _("The page answered %(status)s.") % {"status": each.name})
        elif each.kind == "request":
            _judge_request(each, granted[each.state], allowed_origins, found)
        else:
            row = declaration(each, declared)
            if row is None:
                found.add(UNDECLARED, each, _("It is not in the registry."))
                continue
            met.add(id(row))
            _judge(each, row, granted[each.state], host, found)
    for row in declared:
        if id(row) not in met and not row.unseen and not row.row.on_request:
            dead = Seen(kind=row.row.kind, name=row.row.name, state="", route="")
            found.add(UNSEEN, dead, _("It is declared, no page sets it, and no reason is given."))
    return found.listed()


def declaration(each: Seen, declared: Iterable[Declared]) -> Declared | None:
    """The row that speaks of it; of several the one with the longest name, exact before pattern."""
    rows = [row for row in declared if row.covers(each.kind, each.name)]
    return max(rows, key=lambda row: (not row.row.name.endswith("*"), len(row.row.name)), default=None)


def _judge_request(
    each: Seen, granted: Collection[str], allowed_origins: Mapping[str, Collection[str]], found: "_Findings"
) -> None:
    if not any(each.name in origins for slug, origins in allowed_origins.items() if slug in granted):
        found.add(THIRD_PARTY, each, _("The page asked another site for something."))


def _judge(each: Seen, declared: Declared, granted: Collection[str], host: str, found: "_Findings") -> None:
    row = declared.row
    if not declared.needs_no_consent and declared.category not in granted:
        found.add(UNCONSENTED, each, _("It needs “%(category)s”.") % {"category": declared.category})
    if each.kind != Cookie.Kind.COOKIE:
        return
    if problem := lifetime_problem(row.lifetime, each.days):
        found.add(LIFETIME, each, problem)
    if each.path != row.path:
        found.add(PATH, each, _differs(row.path, each.path))
    # A dot in front: the cookie reaches every host below; without one, its own host alone.
    reach = each.domain if each.domain.startswith(".") else ""
    declared_reach = f".{row.domain.lstrip('.')}" if row.domain else ""
    if reach != declared_reach and not (not reach and row.domain == host):
        found.add(DOMAIN, each, _differs(declared_reach or host, each.domain))
    if each.http_only != row.http_only:
        found.add(HIDDEN, each, _differs(row.http_only, each.http_only))


def lifetime_problem(declared: str, days: float | None) -> str:
    """In words, or "" when the cookie lives as long as it was said to."""
    if declared == Cookie.Lifetime.SESSION:
        return "" if days is None else _differs(declared, _in_days(days))
    if days is None:
        return _differs(declared, Cookie.Lifetime.SESSION)
    if declared == Cookie.Lifetime.PERSISTENT:
        return ""
    promised = min(_days(declared), BROWSER_LIMIT)
    return "" if abs(days - promised) <= promised * TOLERANCE else _differs(declared, _in_days(days))


def _days(declared: str) -> float:
    if clock := re.fullmatch(CLOCK, declared):
        return int(clock[1]) / (24 if clock[2] == "H" else 24 * 60)
    return (add(PROMISED, Period.parse(declared)) - PROMISED).total_seconds() / 86_400


def _in_days(days: float) -> str:
    return _("%(days)s days") % {"days": f"{days:.1f}"}


def _differs(declared: object, found: object) -> str:
    return _("Declared is %(declared)s, found was %(found)s.") % {"declared": declared, "found": found}


class _Findings:
    """Each difference once, with all states and routes in which it was met."""

    ORDER: Final = (UNCONSENTED, UNDECLARED, THIRD_PARTY, BROKEN, LIFETIME, DOMAIN, PATH, HIDDEN, UNSEEN)

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Difference] = {}

    def add(self, what: str, each: Seen, detail: str) -> None:
        made = self._found.setdefault((what, each.kind, each.name), Difference(what, each.kind, each.name, detail))
        for value, places in ((each.state, made.states), (each.route, made.routes)):
            if value and value not in places:
                places.append(value)

    def listed(self) -> list[Difference]:
        return sorted(self._found.values(), key=lambda each: (self.ORDER.index(each.what), each.kind, each.name))
