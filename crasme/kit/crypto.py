"""Keyed hashes that stand for people, encryption of stored secrets, and one-time tokens.

What could go wrong: hashes made for two purposes can be joined to follow a person; a removed key makes secrets
unreadable without anybody noticing which; an error message carries the secret. So each purpose has its own derived
key, every failure has a name and a remedy, and no value is ever part of a message.
"""

import hashlib
import hmac
import re
import secrets
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from crasme.kit.errors import CrasmeError

_PURPOSE = re.compile(r"[a-z][a-z0-9_.:-]{0,63}")


class CryptoError(CrasmeError):
    code = "crypto"


class KeyMissing(CryptoError):
    code = "field-key-missing"
    remedy = "Put the former key back at the end of FIELD_KEYS, run `manage.py rotate_keys`, and only then remove it."


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA256 of `value` under a key derived for `purpose` only: 64 hexadecimal digits.

    Equal values give equal hashes within a purpose and unrelated ones between purposes. It stays personal data for
    whoever holds SUBJECT_KEY.
    """
    return _digest(purpose, value).hex()


def subject_ref(kind: str, value: Any) -> str:
    """What logs and the ledger call a person or thing: "account:" and 32 hexadecimal digits (16 bytes).

    `kind` is a slug, `value` whatever identifies it there (its UUID, its normalised address).
    """
    return f"{kind}:{_digest(f'subject:{kind}', str(value))[:16].hex()}"


def derived_key(purpose: str) -> bytes:
    """32 secret bytes for `purpose` alone, for signing; never stored, never shown."""
    return _purpose_key(settings.SUBJECT_KEY, purpose)


def _digest(purpose: str, value: str) -> bytes:
    return hmac.digest(_purpose_key(settings.SUBJECT_KEY, purpose), value.encode(errors="surrogatepass"), "sha256")


@lru_cache(maxsize=256)
def _purpose_key(master: bytes, purpose: str) -> bytes:
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError("A purpose is a short slug of the code (a-z, 0-9, dot, dash, colon), never a person's data.")
    return HKDF(hashes.SHA256(), length=32, salt=None, info=f"crasme keyed hash {purpose}".encode()).derive(master)


def encrypt(plain: bytes) -> bytes:
    """A Fernet token under the first of FIELD_KEYS: ASCII, random each time, so never equal and never searchable."""
    return _box().encrypt(plain)


def decrypt(token: bytes) -> bytes:
    """The bytes that `encrypt` took, under any of FIELD_KEYS. KeyMissing when none fits or the token was altered."""
    try:
        return _box().decrypt(token)
    except InvalidToken:
        raise _unreadable() from None


def rotate(token: bytes) -> bytes:
    """The same secret under the first key; its time stamp stays. KeyMissing when no key fits."""
    try:
        return _box().rotate(token)
    except InvalidToken:
        raise _unreadable() from None


def is_current(token: bytes) -> bool:
    """Whether the first key alone opens the token, that is, whether rotation has nothing to do."""
    try:
        _keys(tuple(settings.FIELD_KEYS))[0].decrypt(token)
    except InvalidToken:
        return False
    return True


def _unreadable() -> KeyMissing:
    return KeyMissing("A stored secret cannot be read: none of FIELD_KEYS opens it, or it was altered.")


def _box() -> MultiFernet:
    return MultiFernet(_keys(tuple(settings.FIELD_KEYS)))


@lru_cache(maxsize=8)
def _keys(keys: tuple[str, ...]) -> list[Fernet]:
    if not keys:
        raise CryptoError("FIELD_KEYS is empty.", code="field-keys-empty", remedy="Give at least one Fernet key.")
    boxes = []
    for position, key in enumerate(keys, start=1):
        try:
            boxes.append(Fernet(key))
        except ValueError:
            raise CryptoError(
                f"Key number {position} of FIELD_KEYS is not a Fernet key.",
                code="field-key-invalid",
                remedy="Make one with Fernet.generate_key(): 32 bytes in url-safe base64.",
            ) from None
    return boxes


def new_token() -> str:
    """A secret for one link: url-safe, 256 random bits, 43 characters. Store only its `token_digest`."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """SHA-256 in hexadecimal. Plain, because a token of 256 random bits cannot be guessed from its digest."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
