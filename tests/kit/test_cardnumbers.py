"""Card numbers are found however they are written, and what only resembles one is left in peace.

All numbers here are the processors' published test numbers, or computed from a prefix.
"""

import json
import random
import uuid

import pytest
from hypothesis import given, strategies as st

from crasme.kit.cardnumbers import ISSUERS, find, find_in, luhn, may_hold

VISA = "4111111111111111"


def with_check_digit(body: str) -> str:
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


def grouped(number: str, *sizes: int, by: str = " ") -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return by.join(parts)


@pytest.mark.parametrize(
    ("number", "issuer"),
    [
        (VISA, "Visa"),
        ("4222222222222", "Visa"),
        ("4000000000000000006", "Visa"),
        ("5555555555554444", "Mastercard"),
        ("2223003122003222", "Mastercard"),
        ("2720990000000007", "Mastercard"),
        ("378282246310005", "American Express"),
        ("341111111111111", "American Express"),
        ("6011111111111117", "Discover"),
        ("6445644564456445", "Discover"),
        ("6500000000000002", "Discover"),
        ("30569309025904", "Diners Club"),
        ("36227206271667", "Diners Club"),
        ("38520000023237", "Diners Club"),
        ("3530111333300000", "JCB"),
        ("6200000000000005", "UnionPay"),
        ("501800000009", "Maestro"),
        ("6759649826438453", "Maestro"),
        ("2200770212727079", "Mir"),
    ],
)
def test_every_issuer_is_known(number: str, issuer: str) -> None:
    found = find(f"paid with {number}, thanks")
    assert found is not None
    assert (found.issuer, found.length) == (issuer, len(number))
    assert f"paid with {number}, thanks"[found.start : found.end] == number


@given(st.data())
def test_every_prefix_of_every_length_is_found_and_a_wrong_check_digit_is_not(data: st.DataObject) -> None:
    issuer, lengths, ranges = data.draw(st.sampled_from(ISSUERS))
    low, high = data.draw(st.sampled_from(ranges))
    prefix, length = str(data.draw(st.integers(low, high))), data.draw(st.sampled_from(sorted(lengths)))
    rest = length - len(prefix) - 1
    number = with_check_digit(prefix + data.draw(st.text("0123456789", min_size=rest, max_size=rest)))
    found = find(number)
    assert found is not None
    assert found.issuer == issuer
    wrong = number[:-1] + str((int(number[-1]) + data.draw(st.integers(1, 9))) % 10)
    assert find(wrong) is None


@pytest.mark.parametrize(
    "written",
    [
        grouped(VISA, 4, 4, 4, 4),
        grouped(VISA, 4, 4, 4, 4, by="-"),
        grouped(VISA, 4, 4, 4, 4, by=" - "),
        grouped(VISA, 4, 4, 4, 4, by="\u00a0"),
        grouped(VISA, 4, 4, 4, 4, by="\u202f"),
        grouped(VISA, 4, 4, 4, 4, by="\u2013"),
        grouped(VISA, 4, 4, 4, 4, by="\u200b"),
        grouped(VISA, 4, 4, 4, 4, by="\u00ad"),
        grouped(VISA, 4, 4, 4, 4, by="."),
        grouped(VISA, 4, 4, 4, 4, by="/"),
        grouped(VISA, 4, 4, 4, 4, by="_"),
        "4111-1111 1111-1111",
        grouped(VISA, 8, 8),
        grouped(VISA, 2, 2, 2, 2, 2, 2, 2, 2),
        grouped(VISA, *[1] * 16),
        grouped("378282246310005", 4, 6, 5),
        grouped("378282246310005", 4, 6, 5, by="-"),
        grouped("30569309025904", 4, 6, 4),
        VISA.translate({0x30 + digit: 0x0660 + digit for digit in range(10)}),
        VISA.translate({0x30 + digit: 0x06F0 + digit for digit in range(10)}),
        VISA.translate({0x30 + digit: 0xFF10 + digit for digit in range(10)}),
        "4111 1111 1111 1111 12/27 123",
        "12/27 4111 1111 1111 1111",
        "12 4111 1111 1111 1111 3",
        f"card:{VISA}",
        f"({VISA})",
        f"“{VISA}”",
        f"{VISA}.",
        f"{VISA}, thank you",
        f"{VISA}.00",
        f"order_{VISA}",
        f"x={VISA}&y=1",
        f"{VISA}\n{VISA}",
        f"{VISA};{VISA}",
        f"Zahlung mit {VISA} – müde",
        f"1234567890123456 and {VISA}",
        f"0.4539578763621486 and {VISA}",
        f"{uuid.UUID(int=1)} {VISA}",
        f"DE89 3704 0044 0532 0130 00, {VISA}",
        "a" * 5000 + f" {VISA} " + "1" * 5000,
    ],
)
def test_a_card_number_is_found_however_it_is_written(written: str) -> None:
    assert find(written) is not None


@pytest.mark.parametrize(
    "written",
    [
        "",
        "no digits at all",
        "411111111111",
        "4111111111111112",
        "9111111111111111",
        f"x{VISA}",
        f"{VISA}x",
        f"é{VISA}",
        f"9{VISA}",
        f"{VISA}99999",
        f"INV{VISA}",
        f"INV-{VISA}",
        f"{VISA}-2026",
        f"0.{VISA}",
        f"1,{VISA}",
        f"{VISA}.25",
        "4111\n1111\n1111\n1111",
        "4111\t1111\t1111\t1111",
        "4111,1111,1111,1111",
        "41.11 1111-1111/11_1111",
        "4111 111 11111 1111",
        "9 " + grouped(VISA, *[1] * 16),
        grouped(VISA, *[2] * 8) + " 56",
        "01912345-4111-1111-1111-111111111111",
        "a1b2c3d4-4111-1111-1111-1111aaaabbbb",
        "00000000-0000-4000-8000-000000000000",
        "2026-11-22T13:00:00.123456+00:00",
        "2026-11-22 13:00:00 2026-11-22",
        "20261122130000123456",
        "30-11-2026 13-00-00",
        "+49 30 1234567890",
        "+4930123456781",
        "+43 (660) 123 45 67 89",
        "+1-202-555-0143 ext 1234",
        "192.168.100.200 10.20.30.40",
        "Mozilla/5.0 Chrome/146.0.7321.102 Safari/537.36",
        "AT61 1904 3002 3457 3201",
        "AT611904300234573201",
        "GB82 WEST 1234 5698 7654 32",
        "DE89 3704 0044 0532 0130 00",
        "1732276800000",
        "1732276800000000000",
        "sha256:" + "4111111111111111" * 4,
        "f4111111111111111",
    ],
)
def test_what_has_another_structure_is_no_card(written: str) -> None:
    assert find(written) is None


def test_an_iban_that_hides_a_card_shaped_tail_is_still_an_iban() -> None:
    # The tail of sixteen digits passes every card test; only the IBAN's own check digits say what it is.
    tail = grouped(VISA, 4, 4, 4, 4)
    bare = VISA + "".join(str(int(letter, 36)) for letter in "AT") + "00"
    iban = f"AT{98 - int(bare) % 97:02} {tail}"
    assert find(iban) is None
    assert find(f"AB12 {tail}") is not None


@given(st.text("4123 -./_:+aé٤\u00a0", max_size=80))
def test_any_text_is_survived_and_a_match_is_a_card_number_at_its_place(text: str) -> None:
    found = find(text)
    if found is not None:
        digits = "".join(str(int(character)) for character in text[found.start : found.end] if character.isdigit())
        assert len(digits) == found.length
        assert luhn(digits)
        assert not text[: found.start].endswith(tuple("0123456789aé"))


@given(st.text("01234567899 -./_x", min_size=12, max_size=120))
def test_the_quick_no_never_contradicts_the_search(text: str) -> None:
    assert may_hold(text.encode()) or find(text) is None


def test_random_numbers_are_refused_at_the_rate_that_the_check_digit_implies() -> None:
    numbers = random.Random(20261122)
    refused = sum(find(f"ref {numbers.randrange(10**15, 10**16)}") is not None for _ in range(4000))
    # Prefixes of 16-digit cards cover about a quarter of all numbers, and a tenth of those has a right check digit.
    assert 0.01 < refused / 4000 < 0.05


def test_uuids_are_never_taken_for_cards() -> None:
    numbers = random.Random(7)
    for _ in range(3000):
        some = uuid.UUID(int=numbers.getrandbits(128))
        assert find(f"{some} {some.hex} {{{some}}}") is None
    for _ in range(3000):
        digits = "".join(numbers.choices("0123456789", k=32))
        assert find(str(uuid.UUID(digits))) is None


@pytest.mark.parametrize(
    "value",
    [
        int(VISA),
        -int(VISA),
        float(VISA),
        {"a": [{"b": ({"c": VISA},)}]},
        {"a": {grouped(VISA, 4, 4, 4, 4): True}},
        [None, True, 1.5, {"n": int(VISA)}],
    ],
)
def test_json_is_searched_to_the_bottom(value: object) -> None:
    assert find_in(value) is not None


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -5, 1.5, 1e300, float("nan"), float("inf"), {}, [], {"a": [1, "b", 4111111111111112]}, b"x"],
)
def test_other_values_hold_no_card(value: object) -> None:
    assert find_in(value) is None


def test_a_match_never_holds_the_number() -> None:
    found = find(f"my card is {VISA}")
    assert "1111" not in repr(found)


def test_raw_lines_that_cannot_be_judged_quickly_are_searched() -> None:
    assert may_hold(json.dumps({"note": f"card {VISA}"}).encode())
    assert may_hold(json.dumps({"note": "4111\u00a01111\u00a01111\u00a01111"}).encode())
    assert may_hold("{'note': '٤١١١'}".encode())
    assert not may_hold(
        b'{"id": "0192f1c4-7a3b-7c12-8f00-1a2b3c4d5e6f", "at": "2026-11-22T13:00:00.123456Z", "n": 12.5}'
    )
