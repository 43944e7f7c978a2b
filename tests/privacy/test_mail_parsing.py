"""Reading mail: whatever the bytes are, something comes of them and nothing breaks."""

import base64
from urllib.parse import quote

import pytest
from django.urls import reverse
from hypothesis import given, settings, strategies as st

from crasme.kit.text import clean
from privacy.mailroom import html, keywords, quotes
from privacy.mailroom.parsing import LONGEST_TEXT, Parsed, parse
from tests.privacy.letters import PNG, delivery_report, letter

HEAD = b"From: Ana <ana@customer.example>\r\nSubject: Hello\r\nMessage-ID: <1@customer.example>\r\n"


def nested(depth: int) -> bytes:
    parts = [f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n".encode() for n in range(depth)]
    return HEAD + b"".join(parts) + b"Content-Type: text/plain\r\n\r\nDeep."


def text(charset: str, body: bytes, encoding: str = "8bit") -> bytes:
    lines = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return HEAD + lines.encode() + body


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (text("utf-8", "Grüße".encode("latin-1")), "Grüße"),
        (text("latin-1", "Grüße".encode()), "GrÃ¼Ã\x9fe"),
        (text("no-such-set", "Grüße".encode()), "Grüße"),
        (text("punycode", b"abc-" * 10_000), "abc-" * 10_000),
        (text('"utf-8\x00"', b"Hello"), "Hello"),
        (text("zip", b"Hello"), "Hello"),
        (text("utf-8", b"a\x00b\x1bc\xed\xa0\x80d"), "abc"),
        (text("utf-8", b"SGVsbG8=", "base64"), "Hello"),
        (text("utf-8", b"SGVsbG8", "base64"), "Hello"),
        (text("utf-8", b"=48=ZZllo", "quoted-printable"), "H=ZZllo"),
        (text("utf-7", b"+ADw-script+AD4-"), "+ADw-script+AD4-"),
        (HEAD + b"Content-Type: text/html\r\n\r\n<p>One<br>Two<script>x()</script></p><p>Three", "One\nTwo\n\nThree"),
        (HEAD + b"Content-Type: multipart/mixed\r\n\r\nNo boundary.", "No boundary."),
        (HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHalf", "Half"),
        (HEAD + b"\r\n\r\n" + b"\r\n" * 1000 + b"End", "End"),
    ],
)  # fmt: skip
def test_strange_text_is_read_as_far_as_it_goes(raw: bytes, expected: str) -> None:
    parsed = parse(raw)
    assert parsed.text.startswith(clean(expected))
    assert parsed.readable
    assert (parsed.sender, parsed.subject) == ("ana@customer.example", "Hello")


@pytest.mark.parametrize("raw", [b"", b"\0" * 2000, b":\r\n:\r\n\r\n", nested(5000), HEAD, HEAD + b"\r\n"])
def test_what_says_nothing_is_unreadable(raw: bytes) -> None:
    parsed = parse(raw)
    assert (parsed.readable, parsed.files) == (False, ())


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('"Novák, Ana" <Ana@Customer.Example>', "ana@customer.example"),
        ("=?utf-8?q?Ana_Nov=C3=A1k?= <ana@customer.example>", "ana@customer.example"),
        ("ana@customer.example\r\n Bcc: eve@elsewhere.example", ""),
        ("=?utf-8?b?AAAA", ""),
        ("<>", ""),
        ("undisclosed-recipients:;", ""),
        ("a" * 5_000_000, ""),
        ("ana@customer.example, eve@elsewhere.example", "ana@customer.example"),
        ("ana@customer.example\0", "ana@customer.example"),
    ],
)
def test_the_sender_is_one_address_or_none(header: str, address: str) -> None:
    assert parse(f"From: {header}\r\n\r\nHello".encode()).sender == address


def test_headers_of_any_size_and_kind_stay_one_line() -> None:
    parsed = parse(
        b"From: ana@customer.example\r\nSubject: =?utf-8?q?a=0AX-Evil:=201?= =?x?y?z?=" + b" y" * 1_000_000
        + b"\r\nMessage-ID: <a b> <evil>\r\n injected: <1@customer.example>\r\nReferences: "
        + b" ".join(b"<%d@customer.example>" % n for n in range(50_000)) + b"\r\n\r\nHello"
    )  # fmt: skip
    assert "\n" not in parsed.subject
    assert len(parsed.subject) <= 300
    assert parsed.mail_id == "<evil>"
    assert (parsed.ids[0], len(parsed.ids)) == ("<49999@customer.example>", 60)


def test_ten_megabytes_of_text_are_kept_as_a_file() -> None:
    parsed = parse(text("utf-8", b"Delete it. " * 1_000_000))
    assert len(parsed.text) == LONGEST_TEXT
    assert (parsed.files[0].name, len(parsed.files[0].content)) == ("whole-text.txt", 10_999_999)


def test_of_two_forms_the_plain_one_is_read_and_files_are_taken_once() -> None:
    parsed = parse(letter("Plain words.", html="<p>Rich words.</p>", files={"ä.png": PNG}))
    assert parsed.text == "Plain words."
    assert [(file.name, file.content) for file in parsed.files] == [("ä.png", PNG)]
    inline = base64.b64encode(PNG)
    part = b"\r\n--a\r\nContent-Type: %s\r\n"
    related = (
        HEAD + part.lstrip(b"\r\n-a") % b"multipart/alternative; boundary=a" + part % b"text/plain" + b"\r\nPlain."
    )
    related += part % b"multipart/related; boundary=r" + b"\r\n--r\r\nContent-Type: text/html\r\n\r\n<b>Rich.</b>"
    related += b"\r\n--r\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + inline
    related += b"\r\n--r--\r\n--a--"
    assert (parse(related).text, [file.content for file in parse(related).files]) == ("Plain.", [PNG])


def test_a_mail_within_a_mail_is_read_and_one_that_came_back_is_not() -> None:
    inner = letter("The inner words.", subject="Inner")
    forwarded = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n"
    forwarded += b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--"
    assert [word in parse(forwarded).text for word in ("See below.", "Inner", "The inner words.")] == [True] * 3
    returned = parse(delivery_report("<our@crasme.com>"))
    assert "SECRET" not in returned.text
    assert returned.report is not None
    assert (returned.report.failed, returned.report.code, returned.report.ids) == (True, "5.1.1", ("<our@crasme.com>",))


PIECES = [
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"--b--\r\n", b"\r\n", b"From: a@b.example\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n", b"Content-Transfer-Encoding: base64\r\n", b"Subject: =?utf-8?b?",
    b"Content-Type: message/rfc822\r\n", b"Content-Type: multipart/report\r\n", b"Message-ID: <x@y>\r\n",
    b"Content-Type: message/delivery-status\r\n", b"Content-Disposition: attachment; filename*0*=utf-8''%ff",
    b"<!--<![CDATA[<a href='", b"Action: failed\r\n", b"Content-Transfer-Encoding: x-uuencode\r\n", b"begin 644 x\n",
]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_no_bytes_break_it(data: st.DataObject) -> None:
    """Pieces of real mail, shuffled with anything at all."""
    pieces = st.sampled_from(PIECES)
    raw = b"".join(data.draw(st.lists(st.one_of(pieces, st.binary(max_size=60)), max_size=25)))
    parsed = parse(raw)
    assert isinstance(parsed, Parsed)
    for shown in (parsed.text, parsed.subject):
        assert clean(shown) == shown
        quotes.without_secrets(shown)
        keywords.read(shown)


# --- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "language", "kinds"),
    [
        ("I would like to exercise my right of access under Art. 15 GDPR.", "en", ["access"]),
        ("Please send me a copy of all my data and then delete my account.", "en", ["access", "deletion"]),
        ("I withdraw my consent. Stop all marketing, and do not sell my personal information.", "en",
         ["opt_out", "withdrawal"]),
        ("I want to complain about how you handle my data.", "en", ["complaint"]),
        ("Please correct my address.", "en", ["correction"]),
        ("Please restrict the processing of my data; I object to the use of my data.", "en",
         ["restriction", "objection"]),
        ("Ich bitte um Auskunft nach Artikel 15 der DSGVO.", "de", ["access"]),
        ("Bitte loeschen Sie meinen Account. Keine Werbung mehr!", "de", ["deletion", "opt_out"]),
        ("Hiermit widerspreche ich der Verarbeitung meiner Daten und widerrufe meine Einwilligung.", "de",
         ["objection", "withdrawal"]),
        ("Ich möchte, dass mein Konto vollständig gelöscht wird.", "de", ["deletion"]),
        ("Je demande la suppression de mes données et le droit à la portabilité.", "fr", ["deletion", "portability"]),
        ("Je souhaite une copie de mes données.", "fr", ["access"]),
        ("Solicito la eliminación de mis datos y me opongo al tratamiento.", "es", ["deletion", "objection"]),
        ("Quiero darme de baja del boletín.", "es", ["opt_out"]),
        ("أرجو حذف جميع بياناتي", "ar", ["deletion"]),
        ("أريد نُسخة من بياناتي", "ar", ["access"]),
        ("How do I delete a contact?", "en", []),
        ("Please do not delete my data.", "en", []),
        ("Bitte löschen Sie mein Konto nicht, sondern die Rechnung.", "de", []),
        ("Ne supprimez pas mon compte !", "fr", []),
        ("My invoice is wrong.", "en", []),
    ],
)  # fmt: skip
def test_rights_are_recognised_by_their_words(written: str, language: str, kinds: list[str]) -> None:
    found = keywords.read(written)
    assert list(found.kinds) == kinds
    if kinds:
        assert (found.language or keywords.language_of(written)) == language


def test_quotes_are_told_from_words_in_every_language() -> None:
    for announced in (
        "On Mon, 2 Nov 2026 at 10:00, Crasme <support@crasme.com> wrote:",
        "Am 2.11.2026 um 10:00 schrieb Crasme:",
        "On Mon, 2 Nov 2026 at 10:00, Crasme Privacy Support Team\n<support@crasme.com> wrote:",
        "Le 2 nov. 2026 à 10:00, Crasme a écrit :",
        "El 2 nov 2026, Crasme escribió:",
        "-----Original Message-----",
        "From: Crasme\nSent: Monday\nTo: Ana",
    ):
        own, quoted = quotes.split(f"My words.\n\n{announced}\nYour request for deletion of your data")
        assert own == "My words."
        assert "deletion" in quoted
    assert quotes.split("> only\n> quoted") == ("> only\n> quoted", "")
    assert quotes.split("From: here to there is far.")[0].startswith("From:")


def test_secrets_and_card_numbers_are_taken_out_and_the_rest_stays() -> None:
    link = "http://testserver/requests/confirm/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG/"
    for spelled in (link, link.replace("/", "%2F"), link.replace("WXYZ", "\n> ")):
        kept = quotes.without_secrets(f"Call 5550 1234.\n> {spelled}\n> code 1234 5678, card 4111-1111-1111-1111 ok")
        assert "abcdefghij" not in kept
        assert "1234 5678" not in kept
        assert "4111" not in kept
        assert kept.endswith("ok")
    assert quotes.without_secrets("Call 5550 1234, please.") == "Call 5550 1234, please."


def test_markup_becomes_words_and_links_say_where_they_lead() -> None:
    read = html.to_text(
        "<html><head><title>T</title></head><body>Hi&nbsp;<b>Ana</b> <a href='https://x.example/a'>here</a>"
        "<ul><li>one<li>two</ul><blockquote>quoted <blockquote>twice</blockquote></blockquote>"
        "<table><tr><td>a<td>b</table><a href='javascript:x'>no</a></body>"
    )
    assert [line for line in read.splitlines() if line.strip("> ")] == [
        "Hi\u00a0Ana here <https://x.example/a>", "* one", "* two", "> quoted", ">> twice", "a b", "no",
    ]  # fmt: skip


@pytest.mark.parametrize("page", ["request-confirm", "new-mailbox", "referral", "recipient-acknowledge", "release"])
def test_no_link_of_ours_keeps_its_secret(page: str) -> None:
    secret = "0123456789abcdef" * 4
    link = f"https://privacy.crasme.example{reverse(page, args=[secret])}"
    for spelled in (link, quote(link, safe="")):
        kept = quotes.without_secrets(f"It is done.\n> Open {spelled} to answer")
        assert (secret in kept, "It is done." in kept) == (False, True)
