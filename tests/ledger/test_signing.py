"""Signatures that anybody can check."""

from pytest_django import Settings

from crasme.ledger import signing


def test_a_signature_is_one_of_its_purpose_its_content_and_its_key(settings: Settings) -> None:
    content = {"rows": 3, "at": "2026-11-22"}
    signature, key = signing.sign("test", content), signing.public_key("test")
    assert (len(signature), len(key)) == (128, 64)
    assert signing.is_signed({"at": "2026-11-22", "rows": 3}, signature=signature, key=key)
    assert not signing.is_signed(content | {"rows": 4}, signature=signature, key=key)
    assert not signing.is_signed(content, signature=signature, key=signing.public_key("other"))
    assert not signing.is_signed(content, signature=signature[:-2], key=key)
    settings.SUBJECT_KEY = b"another" * 5
    assert signing.public_key("test") != key
    assert signing.is_signed(content, signature=signature, key=key)
    # An exchanged key is ours as long as its public half is named, and for its own purpose alone.
    assert key not in signing.keys("test")
    settings.FORMER_KEYS = {"test": [bytes.fromhex(key)]}
    assert signing.keys("test") == [signing.public_key("test"), key]
    assert key not in signing.keys("other")
    settings.SIGNING_KEYS = {"test": b"x" * 32}
    given = signing.public_key("test")
    settings.SUBJECT_KEY = b"a third" * 5
    assert signing.public_key("test") == given != key
