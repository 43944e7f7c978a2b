"""Links that unsubscribe, and the mail headers that carry them.

The token is the address's hash, which pepper made it, the scope and the ledger's reference, encrypted and authenticated
(AES-SIV): it says nothing to whoever reads it, cannot be made up, needs no table, and works as long as the mail lies in
somebody's box. Nothing of it is stored, not even a digest: a stolen database holds no link, and a lost one ends none.

What could go wrong: an opt-out that stops working when the person's data is erased or a table is purged; a token that
tells a log who somebody is.
"""

import base64
from binascii import Error as Base64Error
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.urls import reverse

from consent import topics
from consent.models import Suppression
from consent.models.addresses import address_hash, current_version, versions
from consent.models.choices import person_ref
from crasme.kit.crypto import keyed_hash

_HASH, _REFERENCE = 32, 16  # bytes


@dataclass(frozen=True, slots=True)
class Target:
    """What a token stands for: whose mail of which scope, without saying who."""

    hashed: str
    version: int
    scope: str
    subject: str


def make_token(email: str, scope: str = Suppression.Scope.MARKETING) -> str:
    """Url-safe text; the same for the same address and scope. UnknownScope for mail that cannot be refused."""
    topics.check(scope)
    kind, _colon, reference = person_ref(email).partition(":")
    plain = bytes.fromhex(address_hash(email) + reference) + f"{current_version()}:{kind}:{scope}".encode()
    return base64.urlsafe_b64encode(_box().encrypt(plain, None)).rstrip(b"=").decode()


def read_token(token: str) -> Target | None:
    """What `make_token` put into it; None for everything else."""
    try:
        plain = _box().decrypt(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), None)
    except (InvalidTag, Base64Error, ValueError):
        return None
    hashed, reference, rest = plain[:_HASH], plain[_HASH : _HASH + _REFERENCE], plain[_HASH + _REFERENCE :]
    version, kind, scope = rest.decode().split(":", 2)
    # A hash under a pepper that was taken away can be found by no gate: better "this link does not work" than a lie.
    if not topics.is_known(scope) or int(version) not in versions():
        return None
    return Target(hashed.hex(), int(version), scope, f"{kind}:{reference.hex()}")


def link(email: str, scope: str = Suppression.Scope.MARKETING) -> str:
    """The absolute address of the page on which the person unsubscribes."""
    return settings.SITE_URL.rstrip("/") + reverse("unsubscribe", kwargs={"token": make_token(email, scope)}) + "/"


def headers(email: str, scope: str = Suppression.Scope.MARKETING) -> dict[str, str]:
    """For every marketing mail. Source: RFC 8058 section 3.1 (both headers, and DKIM must cover both)."""
    return {
        "List-Unsubscribe": f"<{link(email, scope)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _box() -> AESSIV:
    return _boxes(settings.SUBJECT_KEY)


@lru_cache(maxsize=4)
def _boxes(master: bytes) -> AESSIV:
    # Two derived keys of 32 bytes: AES-SIV authenticates with one and encrypts with the other.
    halves = (keyed_hash("consent.unsubscribe", part) for part in ("authenticate", "encrypt"))
    return AESSIV(bytes.fromhex("".join(halves)))
