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
