"""One mailbox is one text, and what cannot be stored is named."""

import pytest
from hypothesis import given, strategies as st

from crasme.kit.text import clean, mask_email, normalise_email, problem


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("  Ana.Novak@Example.COM ", "ana.novak@example.com"),
        ("ana@münchen.example", "ana@xn--mnchen-3ya.example"),
        ("ana@MÜNCHEN.example.", "ana@xn--mnchen-3ya.example"),
        ("\ufeffana@example.com\u200b", "ana@example.com"),
        ("ａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ana@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("straße@example.com", "straße@example.com"),
        ("STRAẞE@example.com", "straße@example.com"),
        ("ana@faß.de", "ana@xn--fa-hia.de"),
        ("ana@FASS.de", "ana@fass.de"),
        ("ana@βόλος.com", "ana@xn--nxasmm1c.com"),
        ("ana@βόλοσ.com", "ana@xn--nxasmq6b.com"),
        ("ana@bücher。example", "ana@xn--bcher-kva.example"),
        ("ana@日本語.jp", "ana@xn--wgv71a119e.jp"),
        ("ana@نامه\u200cای.com", "ana@xn--mgba3gch31f060k.com"),
        ("ana@XN--FA-HIA.de", "ana@xn--fa-hia.de"),
        ("ana@☃.example", "ana@☃.example"),
        ("Åsa@example.com", "åsa@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("ana+news@example.com", "ana+news@example.com"),
        ("not an address", "not an address"),
        ("a@" + "ü" * 80 + ".example", "a@" + "ü" * 80 + ".example"),
        ("", ""),
    ],
)
def test_an_address_has_one_form(written: str, stored: str) -> None:
    assert normalise_email(written) == stored


@given(st.text() | st.emails() | st.builds("{}@{}".format, st.text(), st.text()))
def test_normalising_twice_changes_nothing(address: str) -> None:
    once = normalise_email(address)
    assert normalise_email(once) == once


def test_a_masked_address_is_recognised_only_by_its_owner() -> None:
    assert mask_email("Ana.Novak@Example.com") == "a…@e….com"
    assert mask_email("a@b.example.co.uk") == "a…@b….uk"
    assert mask_email("root@localhost") == "r…@l…"
    assert mask_email("nobody") == mask_email("") == mask_email("@example.com") == "…"


@given(st.emails())
def test_a_mask_shows_at_most_two_letters_and_the_top_domain(address: str) -> None:
    domain, _dot, top = normalise_email(address).rpartition("@")[2].rpartition(".")
    assert len(mask_email(address)) == len("a…@e….") + len(top)
    assert len(domain) <= 1 or domain not in mask_email(address)


@given(st.text(st.characters(exclude_categories=[])))
def test_cleaned_text_can_be_stored_and_stays_clean(text: str) -> None:
    cleaned = clean(text)
    assert problem(cleaned) == ""
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
    assert clean(text.replace("\ufeff", ""), strict=False) == cleaned.replace("\ufeff", "")


def test_ordinary_text_of_any_language_stays_as_it_is() -> None:
    text = "Zoë\tשלום\r\nمرحبا 👩‍🚀 naïve"
    assert clean(text, strict=True) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [("ab\x00c", "NUL character at position 3"), ("\x1b[31m", "U+001B"), ("\ud83d", "surrogate"), ("a\x85", "U+0085")],
)
def test_strict_cleaning_names_the_problem_and_not_the_text(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named.replace("+", r"\+")) as refused:
        clean(text, strict=True)
    assert text not in str(refused.value)
