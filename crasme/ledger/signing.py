"""Signatures under evidence that leaves this system: anybody with the public key can check them without asking us.

What could go wrong: a signature made for one kind of paper is shown under another (so each purpose has its own key), or
the key lies where a backup takes it (so it is derived from SUBJECT_KEY, which is in the environment alone). Changing
SUBJECT_KEY changes the keys: what was signed before stays checkable by the public key that stands beside it.
Source: RFC 8032 (Ed25519).
"""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crasme.kit.canonical import canonical
from crasme.kit.crypto import derived_key


def sign(purpose: str, content: Any) -> str:
    """The signature, in hex (128 digits), over the canonical JSON of `content`. `purpose` is a slug of the code."""
    return _private(purpose).sign(canonical(content).encode()).hex()


def public_key(purpose: str) -> str:
    """In hex, 64 digits."""
    return _private(purpose).public_key().public_bytes_raw().hex()


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
    return Ed25519PrivateKey.from_private_bytes(derived_key(f"signing:{purpose}"))
