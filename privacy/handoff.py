"""What the CRM hands over: a token which says that the owner of an account is signed in there, now.

    {"alg": "EdDSA", "kid": "<name of the key>"}
    {"sub": "<account id>", "aud": "<SITE_URL>", "iat": …, "exp": …, "jti": "<random>", "kinds": […], "language": "de"}

What could go wrong: somebody makes such a token (we hold public keys alone, so neither a stolen database nor our own
settings can), turns one for another place or time against us (audience and times are asked for, five minutes at most),
chooses how it is checked (one algorithm, whatever the token says), or uses it twice (privacy.services.handoffs). Every
failure is the same.

The page that a token opens carries a ticket in its form: the same facts, signed by us, so that nobody has to choose and
write within the token's few minutes, and the token itself stays in no address.
Source: RFC 7515, 7519, 8037; `kinds` and `language` are optional.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from privacy.errors import PrivacyError

LONGEST = 2_000
LIFETIME = timedelta(minutes=5)
TICKET_LIFETIME = timedelta(minutes=30)
SKEW = timedelta(minutes=1)  # between the clocks of two systems
LOCAL = "local"
_ALGORITHM = "EdDSA"
_tickets = signing.TimestampSigner(salt="privacy.handoff.ticket")


class HandOffRefused(PrivacyError):
    """Forged, meant for somebody else, run out, used, or of an account that is not there: nobody learns which."""

    code = "hand-off-refused"
    remedy = _("Sign in to the product and open this page from there again.")

    def __init__(self) -> None:
        super().__init__(_("This hand-off has been used, has run out, or was not made for this page."))


@dataclass(frozen=True, slots=True)
class HandOff:
    """`once` is the digest that tells this token from every other; `kinds` what it was opened for, as claimed."""

    account: UUID
    once: str
    kinds: tuple[str, ...] = ()
    language: str = ""


def read(token: str, *, now: datetime) -> HandOff:
    """The token's facts, if it is one of the CRM's, for us, and fresh. HandOffRefused."""
    if not token or len(token) > LONGEST or not token.isascii():
        raise HandOffRefused
    try:
        name = str(jwt.get_unverified_header(token).get("kid"))
        claims = jwt.decode(
            token,
            keys()[name],
            algorithms=[_ALGORITHM],
            audience=settings.SITE_URL,
            options={
                "require": ["sub", "aud", "iat", "exp", "jti"],
                "verify_exp": False,  # below, by the caller's clock
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return _facts(name, claims, int(now.timestamp()))
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError):
        raise HandOffRefused from None


def _facts(name: str, claims: dict[str, Any], now: int) -> HandOff:
    made, ends = claims["iat"], claims["exp"]
    if type(made) is not int or type(ends) is not int:
        raise TypeError
    if not now < ends <= made + LIFETIME.total_seconds() or made > now + SKEW.total_seconds():
        raise ValueError
    once = sha256(f"{name}:{claims['jti']}".encode(errors="surrogatepass")).hexdigest()
    kinds, language = claims.get("kinds", []), claims.get("language", "")
    return HandOff(
        account=UUID(claims["sub"]),
        once=once,
        kinds=tuple(kind for kind in kinds if isinstance(kind, str)) if isinstance(kinds, list) else (),
        language=language if language in dict(settings.LANGUAGES) else "",
    )


def ticket(handed: HandOff) -> str:
    """What the opened page's form carries in the token's place, for half an hour."""
    facts = {"a": str(handed.account), "o": handed.once, "l": handed.language}
    return _tickets.sign_object(facts, compress=True)


def opened(text: str) -> HandOff:
    """The facts of a ticket of ours. HandOffRefused."""
    try:
        facts = _tickets.unsign_object(text, max_age=TICKET_LIFETIME)
    except signing.BadSignature:
        raise HandOffRefused from None
    return HandOff(account=UUID(facts["a"]), once=facts["o"], language=facts["l"])


def keys() -> dict[str, Ed25519PublicKey]:
    """By name, whose word counts; while DEBUG is on, that of `manage.py requests handoff-token` as well."""
    known = {name: Ed25519PublicKey.from_public_bytes(raw) for name, raw in settings.HANDOFF_KEYS.items()}
    return known | ({LOCAL: local_key().public_key()} if settings.DEBUG else {})


def local_key() -> Ed25519PrivateKey:
    """A key of this very installation, for trying things out where no CRM is."""
    derived = HKDF(hashes.SHA256(), length=32, salt=None, info=b"crasme hand-off").derive(settings.SECRET_KEY.encode())
    return Ed25519PrivateKey.from_private_bytes(derived)


def sign(account: UUID, *, key: Ed25519PrivateKey, name: str, now: datetime, **claims: Any) -> str:
    """A token as the CRM makes it."""
    made = int(now.timestamp())
    facts = {
        "sub": str(account),
        "aud": settings.SITE_URL,
        "iat": made,
        "exp": made + int(LIFETIME.total_seconds()),
        "jti": base64.urlsafe_b64encode(uuid7().bytes).decode("ascii"),
    }
    return jwt.encode(facts | claims, key, algorithm=_ALGORITHM, headers={"kid": name})
