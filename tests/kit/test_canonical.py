"""Stored evidence depends on every byte of the canonical form."""

import hashlib

from hypothesis import given, strategies as st

from crasme.kit.canonical import canonical, digest


def test_the_form_is_pinned() -> None:
    assert canonical({"b": [2, 1], "a": "ü", "c": None}) == '{"a":"ü","b":[2,1],"c":null}'
    assert digest({"a": "ü"}) == hashlib.sha256(b'{"a":"\xc3\xbc"}').hexdigest()


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers() | st.booleans() | st.none()))
def test_the_order_of_keys_says_nothing(content: dict[str, object]) -> None:
    assert digest(dict(reversed(content.items()))) == digest(content)
