"""Signatures under evidence that leaves this system: anybody with the public key can check them without asking us.

What could go wrong: a signature made for one kind of paper is shown under another (so each purpose has its own key),
the key lies where a backup takes it (so it is derived from SUBJECT_KEY, which is in the environment alone, unless
SIGNING_KEYS gives one), a key is exchanged and nobody knows the former one for ours (FORMER_KEYS holds their public
halves, by purpose), or a forger's own key stands on a forged paper (only `keys` are ours).
Source: RFC 8032 (Ed25519).
"""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from crasme.kit.canonical import canonical
from crasme.kit.crypto import derived_key


def sign(purpose: str, content: Any) -> str:
    """The signature, in hex (128 digits), over the canonical JSON of `content`. `purpose` is a slug of the code."""
    return _private(purpose).sign(canonical(content).encode()).hex()


def public_key(purpose: str) -> str:
    """Of the key that signs today; in hex, 64 digits."""
    return _private(purpose).public_key().public_bytes_raw().hex()


def keys(purpose: str) -> list[str]:
    """Every public key of this house for that purpose: the one that signs first, then former ones."""
    return [public_key(purpose), *(key.hex() for key in settings.FORMER_KEYS.get(purpose, ()))]


def is_signed(content: Any, *, signature: str, key: str) -> bool:
    """Whether `signature` is one over `content` by whoever has the private half of `key` (both in hex)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            bytes.fromhex(signature), canonical(content).encode()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(purpose: str) -> Ed25519PrivateKey:
    given = settings.SIGNING_KEYS.get(purpose)
    return Ed25519PrivateKey.from_private_bytes(given or derived_key(f"signing:{purpose}"))
