"""A mail's bytes as what a person would see of it.

What could go wrong: everything. Mail is written by thousands of programs and by people who mean harm: unknown and
lying character sets, parts nested a thousand deep, headers of megabytes, NULs, half surrogates, base64 that is none.
Nothing here raises for any bytes at all: what cannot be read is left out, and `readable` says so.

The old "compat32" policy is on purpose: it never looks into a header that nobody asks for. Charsets go by a list of
what they decode to, because Python's codecs include some that are no character sets and take forever.
"""

import codecs
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header
from email.message import Message as Mail
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from crasme.kit.text import clean, normalise_email
from privacy.mailroom import html
from privacy.mailroom.files import File

log = logging.getLogger(__name__)
LONGEST_HEADER = 4_000
LONGEST_RESULTS = 20_000
LONGEST_SUBJECT = 300
LONGEST_TEXT = 100_000  # characters kept as text; what is longer is kept as a file besides
MOST_PARTS = 200
MOST_IDS = 60
MOST_RESULTS = 50
_OUT = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{1,200})")
_ID = re.compile(r"<[!-;=?-~]{1,248}>")
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
FORWARDED = "----------"


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery status: which of our mails (Message-IDs), and whether it failed for good. `code` is like "5.1.1".
    `spam`: it was reported as that instead (RFC 5965). `ways_out` are the unsubscribe tokens of the mail it quotes.
    """

    failed: bool
    code: str = ""
    ids: tuple[str, ...] = ()
    spam: bool = False
    ways_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """`headers` have lower-case names; `ids` are what it answers, the nearest first; `sender` is normalised or "";
    `results` are the Authentication-Results, the topmost first, whoever wrote them."""

    sender: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    files: tuple[File, ...] = field(default=(), repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    mail_id: str = ""
    ids: tuple[str, ...] = ()
    results: tuple[str, ...] = field(default=(), repr=False)
    report: Report | None = None
    readable: bool = True


def parse(raw: bytes) -> Parsed:
    """Whatever the bytes are; never raises."""
    try:
        mail = message_from_bytes(raw)
    except Exception as error:  # noqa: BLE001  (the parser's own faults, and nesting deeper than Python's stack)
        log.warning("A mail could not be taken apart: %s.", type(error).__name__)
        return _headers_only(raw)
    text, files, readable = _content(mail)
    if len(text) > LONGEST_TEXT:
        files.insert(0, File("whole-text.txt", text.encode()))
        text = text[:LONGEST_TEXT]
    return Parsed(**_heading(mail), text=text, files=tuple(files), report=_report(mail), readable=readable)  # type: ignore[arg-type]


def _headers_only(raw: bytes) -> Parsed:
    try:
        return Parsed(**_heading(BytesHeaderParser().parsebytes(raw[:200_000])), readable=False)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001  (see above)
        log.warning("Not even a mail's headers could be read: %s.", type(error).__name__)
        return Parsed(readable=False)


# --- headers ---------------------------------------------------------------------------------------------------------
def _heading(mail: Mail) -> dict[str, object]:
    headers: dict[str, str] = {}
    results: list[str] = []
    for name, value in mail.raw_items():
        if name.lower() == "authentication-results" and len(results) < MOST_RESULTS:
            results.append(str(value)[:LONGEST_RESULTS])
        # Of the mails in a thread the last ones count, and they stand at the end.
        kept = slice(-LONGEST_HEADER, None) if name.lower() == "references" else slice(LONGEST_HEADER)
        headers.setdefault(name.lower(), str(value)[kept])
    ids = [
        found
        for name in ("in-reply-to", "references")
        for found in reversed(_ID.findall(headers.get(name, ""))[-MOST_IDS:])
    ]
    own = _ID.search(headers.get("message-id", ""))
    return {
        "headers": headers,
        "sender": _address(headers.get("from", "")),
        "subject": " ".join(clean(decoded(headers.get("subject", ""))).split())[:LONGEST_SUBJECT],
        "mail_id": own.group() if own else "",
        "ids": tuple(dict.fromkeys(ids)),
        "results": tuple(results),
    }


def decoded(header: str) -> str:
    """A header's text, with its encoded words and raw UTF-8 made readable as far as they are."""
    plain = header.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        parts = decode_header(plain)
    except Exception:  # noqa: BLE001  (base64 that is none, and what else the library stumbles over)
        return plain
    return "".join(part if isinstance(part, str) else text_of(part, charset) for part, charset in parts)


def _address(header: str) -> str:
    """The first address of a From header, normalised; "" when it has none that mail could be sent to."""
    try:
        found = getaddresses([header.encode("utf-8", "surrogateescape").decode("utf-8", "replace")])
    except Exception:  # noqa: BLE001  (see `decoded`)
        return ""
    address = normalise_email(clean(found[0][1])) if found else ""
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address if len(address) <= 254 else ""


def text_of(data: bytes, charset: str | None) -> str:
    """The bytes as text: in the given charset when it is one and fits, else in UTF-8, else in Windows' Latin."""
    for name in (charset, "utf-8"):
        try:
            codec = codecs.lookup(name or "utf-8")
            if codec.name not in _NO_CHARSETS:
                return data.decode(codec.name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("cp1252", "replace")


# --- content ---------------------------------------------------------------------------------------------------------
def _content(mail: Mail) -> tuple[str, list[File], bool]:
    """The text, the files, and whether everything could be read."""
    texts: list[str] = []
    files: list[File] = []
    readable, count = True, 0
    try:
        for part in _parts(mail, 0):
            count += 1
            if count > MOST_PARTS:
                readable = False
                break
            _take(part, texts, files)
    except Exception as error:  # noqa: BLE001  (a part that the library cannot decode must not hide the others)
        log.warning("A part of a mail could not be read: %s.", type(error).__name__)
        readable = False
    text = clean("\n\n".join(each for each in texts if each)).replace("\r\n", "\n").replace("\r", "\n").strip()
    return text, files, readable and bool(text or files)


def _parts(mail: Mail, depth: int) -> Iterator[Mail | str]:
    """The leaves that are to be read: of alternatives the plainest, of a mail within a mail its heading first."""
    if not mail.is_multipart():
        yield mail
        return
    if depth > 20:
        raise RecursionError
    kind = mail.get_content_type()
    if kind == "message/rfc822":
        for inner in _mails(mail.get_payload()):
            heading = _heading(inner)
            yield f"{FORWARDED}\n{heading['subject']}"
            yield from _parts(inner, depth + 1)
        return
    parts = _mails(mail.get_payload())
    if kind == "multipart/report":
        # The notice alone: what comes back with it is our own letter, link and all.
        parts = [part for part in parts if part.get_content_type() in ("text/plain", "text/html")]
    if kind == "multipart/alternative":
        plain = [part for part in parts if part.get_content_type() == "text/plain" and _decoded(part).strip()]
        # The richer forms may hold pictures besides; their text is the same once more.
        parts = [*plain[:1], *(part for part in parts if part.is_multipart())] if plain else parts[-1:]
        if plain:
            for part in parts:
                yield from (leaf for leaf in _parts(part, depth + 1) if part is plain[0] or _is_file(leaf))
            return
    for part in parts:
        yield from _parts(part, depth + 1)


def _mails(payload: Any) -> list[Mail]:
    """The parts of a payload that has parts."""
    return [part for part in payload if isinstance(part, Mail)] if isinstance(payload, list) else []


def _is_file(leaf: Mail | str) -> bool:
    return not isinstance(leaf, str) and leaf.get_content_maintype() != "text"


def _take(part: Mail | str, texts: list[str], files: list[File]) -> None:
    if isinstance(part, str):
        texts.append(part)
        return
    # A "multipart" without a boundary has no parts: it is text.
    kind = "text/plain" if part.get_content_maintype() == "multipart" else part.get_content_type()
    if part.get_content_disposition() != "attachment" and kind in ("text/plain", "text/html"):
        text = text_of(_bytes(part), _charset(part))
        texts.append(html.to_text(text[: html.LONGEST]) if kind == "text/html" else text)
        if kind == "text/html" and len(text) > html.LONGEST:
            raise ValueError("markup without end")
        return
    if kind.startswith("message/"):
        return  # delivery reports and the like are read for themselves
    content = _bytes(part)
    name = decoded(str(part.get_filename() or ""))
    if content or name:
        files.append(File(name, content))


def _decoded(part: Mail) -> str:
    return text_of(_bytes(part), _charset(part))


def _bytes(part: Mail) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _charset(part: Mail) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, UnicodeError, ValueError):
        return None


# --- delivery reports ------------------------------------------------------------------------------------------------
def _report(mail: Mail) -> Report | None:
    """What a machine-readable delivery status (RFC 3464) or complaint (RFC 5965) says; None for any other mail."""
    if mail.get_content_type() != "multipart/report":
        return None
    parts = mail.get_payload()
    failed, code, ids = False, "", list[str]()
    spam, ways_out = False, list[str]()
    try:
        for part in _mails(parts)[:10]:
            kind = part.get_content_type()
            inner = part.get_payload()
            if kind == "message/delivery-status":
                for block in _mails(inner)[:50]:
                    if str(block.get("Action", "")).strip().lower() == "failed":
                        failed, code = True, code or _status(str(block.get("Status", "")))
            elif kind == "message/feedback-report":
                # Its fields lie in a message of their own, or in the text itself, as the parser likes it.
                said = "\n".join([str(each) for each in _mails(inner)] or [text_of(_bytes(part), None)])
                spam = bool(re.search(r"(?im)^feedback-type:\s*(?:abuse|fraud|opt-out)\b", said))
            elif kind == "message/rfc822":
                ways_out += [
                    t for each in _mails(inner)[:1] for t in _OUT.findall(str(each.get("List-Unsubscribe", "")))
                ]
                ids += [found for each in _mails(inner)[:1] for found in _ID.findall(str(each.get("Message-ID", "")))]
            elif kind == "text/rfc822-headers":
                ways_out += _OUT.findall(text_of(_bytes(part), None))
                ids += re.findall(rf"(?im)^message-id:\s*({_ID.pattern})", text_of(_bytes(part), None))
    except Exception as error:  # noqa: BLE001  (see `_content`)
        log.warning("A delivery report could not be read: %s.", type(error).__name__)
    return Report(failed, code, tuple(ids), spam, tuple(ways_out[:10]))


def _status(text: str) -> str:
    found = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})", text)
    return found.group(1) if found else ""
