"""Hashes that cannot be joined across purposes, and secrets that survive a change of keys."""

import re

import pytest
from cryptography.fernet import Fernet

from crasme.kit import crypto


def test_a_hash_is_stable_within_a_purpose_and_unrelated_between_purposes() -> None:
    one = crypto.keyed_hash("suppression", "ana@example.com")
    assert re.fullmatch(r"[0-9a-f]{64}", one)
    assert one == crypto.keyed_hash("suppression", "ana@example.com")
    assert one != crypto.keyed_hash("lookup", "ana@example.com")
    assert one != crypto.keyed_hash("suppression", "ana@example.org")


def test_a_hash_needs_the_key(settings) -> None:
    before = crypto.keyed_hash("suppression", "ana@example.com")
    settings.SUBJECT_KEY = bytes(range(32))
    assert crypto.keyed_hash("suppression", "ana@example.com") != before


def test_the_derivation_is_the_published_one(settings) -> None:
    """Fixed for ever: a change would orphan every suppression and every subject ref that is stored."""
    settings.SUBJECT_KEY = bytes(32)
    assert (
        crypto.keyed_hash("suppression", "ana@example.com")
        == "f86180386007afd55e7ecf247868505514e8c047fa50048d5f83533a991a777c"
    )


def test_a_subject_ref_names_the_kind_and_nothing_else() -> None:
    ref = crypto.subject_ref("account", "ana@example.com")
    assert re.fullmatch(r"account:[0-9a-f]{32}", ref)
    assert ref.split(":")[1] != crypto.subject_ref("person", "ana@example.com").split(":")[1]


@pytest.mark.parametrize("purpose", ["", "Ana", "ana@example.com", "a b", "a" * 65])
def test_a_purpose_is_a_slug(purpose: str) -> None:
    with pytest.raises(ValueError, match="slug") as refused:
        crypto.keyed_hash(purpose, "x")
    assert "ana@example.com" not in str(refused.value)


def test_secrets_come_back_and_are_never_equal() -> None:
    one, other = crypto.encrypt(b"oauth token"), crypto.encrypt(b"oauth token")
    assert one != other
    assert crypto.decrypt(one) == crypto.decrypt(other) == b"oauth token"
    assert b"oauth" not in one


def test_keys_are_exchanged_without_losing_anything(settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [old]
    token = crypto.encrypt(b"secret")
    settings.FIELD_KEYS = [new, old]
    assert crypto.decrypt(token) == b"secret"
    assert not crypto.is_current(token)
    fresh = crypto.rotate(token)
    assert crypto.is_current(fresh)
    settings.FIELD_KEYS = [new]
    assert crypto.decrypt(fresh) == b"secret"
    for act in (crypto.decrypt, crypto.rotate):
        with pytest.raises(crypto.KeyMissing, match="rotate_keys"):
            act(token)


def test_an_altered_token_is_refused() -> None:
    token = bytearray(crypto.encrypt(b"secret"))
    token[-10] ^= 1
    with pytest.raises(crypto.KeyMissing):
        crypto.decrypt(bytes(token))
    with pytest.raises(crypto.KeyMissing):
        crypto.decrypt("not a token ü".encode())


def test_a_broken_key_is_named_by_its_position_only(settings) -> None:
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), "hunter2"]
    with pytest.raises(crypto.CryptoError, match="number 2") as refused:
        crypto.encrypt(b"x")
    assert "hunter2" not in str(refused.value)
    settings.FIELD_KEYS = []
    with pytest.raises(crypto.CryptoError, match="empty"):
        crypto.encrypt(b"x")


def test_tokens_are_long_and_stored_as_digests() -> None:
    tokens = {crypto.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    assert crypto.token_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
