"""The consent cookie: what the visitor decided, small enough to read on every response.

    crasme_consent=1.f.3.g.0b5f…        format, granted bits in hexadecimal, notice version, g or - , visitor
    crasme_consent=1.5.3.-.0b5f….a      the same, and the bits that were not on screen and are open still

`g` says that the choice was made in sight of a Global Privacy Control signal, so it stands against it. The value is
readable by scripts (the banner must know whether to ask) and by whoever owns the browser; it decides about nobody else.

What could go wrong: a hand-made or cut-off value. It counts as no choice at all, which means refusal.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from consent.models.events import KEPT
from consent.registry import Snapshot
from crasme.kit.calendar import add

NAME = "crasme_consent"
_VALUE = re.compile(r"1\.([0-9a-f]{1,4})\.([0-9]{1,6})\.([g-])\.([0-9a-f]{32})(?:\.([0-9a-f]{1,4}))?")


@dataclass(frozen=True, slots=True)
class Choice:
    """`mask` holds the granted bits, essential included; `version` the notice that was answered, all of it but `open`:
    bits about which the visitor has said nothing yet.
    """

    mask: int
    version: int
    gpc: bool
    visitor: uuid.UUID
    open: int = 0

    def value(self) -> str:
        left = f".{self.open:x}" if self.open else ""
        return f"1.{self.mask:x}.{self.version}.{'g' if self.gpc else '-'}.{self.visitor.hex}{left}"


def parse(value: str | None) -> Choice | None:
    """The choice in a cookie's value; None for anything that this program did not write."""
    return _parsed(value) if value else None


@lru_cache(maxsize=512)  # a visit brings the same value with every request
def _parsed(value: str) -> Choice | None:
    found = _VALUE.fullmatch(value)
    if not found:
        return None
    mask, version, gpc, visitor, left = found.groups()
    return Choice(int(mask, 16), int(version), gpc == "g", uuid.UUID(visitor), int(left or "0", 16))


def of_request(request: HttpRequest) -> Choice | None:
    return parse(request.COOKIES.get(NAME))


def signals_gpc(request: HttpRequest) -> bool:
    """Whether the browser sends Global Privacy Control. Source: the GPC specification, only the value "1" counts."""
    return request.META.get("HTTP_SEC_GPC") == "1"


def still_open(choice: Choice | None, registry: Snapshot) -> list[str] | None:
    """The categories that a banner has to ask about; None for all, which is so where nobody has chosen yet."""
    if choice is None:
        return None
    optional = {slug: bit for slug, bit in registry.bits.items() if not bit & registry.essential}
    left = [
        slug for slug, bit in optional.items() if bit & choice.open or choice.version < registry.asked_since.get(bit, 0)
    ]
    return None if len(left) == len(optional) else left


def granted(choice: Choice | None, *, gpc: bool, registry: Snapshot) -> int:
    """The bits that may be used now, essential always among them.

    Without a choice nothing else is. A category about which a later notice asks anew is off until it is answered. A
    GPC signal switches off what it speaks of, unless the choice was made in sight of it: the explicit act wins.
    """
    if choice is None:
        return registry.essential
    mask = choice.mask & ~choice.open
    for bit, version in registry.asked_since.items():
        if choice.version < version:
            mask &= ~bit
    if gpc and not choice.gpc:
        mask &= ~registry.off_under_gpc
    return mask | registry.essential


def keep(response: HttpResponse, choice: Choice, *, decided_at: datetime, now: datetime) -> None:
    """Set the cookie until six months after the choice; by the server, because Safari keeps a script's for 7 days."""
    seconds = int((add(decided_at, KEPT) - now).total_seconds())
    response.set_cookie(
        NAME,
        choice.value(),
        max_age=max(seconds, 0),
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=False,
        samesite="Lax",
    )
